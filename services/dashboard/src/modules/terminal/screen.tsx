import { FitAddon } from "@xterm/addon-fit";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { type ITheme, Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useEffectEvent, useRef } from "react";
import { connectTerminal, type TerminalConnection, type TerminalState } from "./connection.js";

const THEME: ITheme = {
  background: "#0d0f13",
  foreground: "#e3e6ec",
  cursor: "#8593ff",
  selectionBackground: "#39406b",
  black: "#1c1f25",
  red: "#ff858d",
  green: "#58c98b",
  yellow: "#e3b04c",
  blue: "#77adf5",
  magenta: "#c79bf2",
  cyan: "#5cc8d6",
  white: "#d5d9e2",
  brightBlack: "#6b7382",
  brightRed: "#ffa5ab",
  brightGreen: "#82dcaa",
  brightYellow: "#f0c774",
  brightBlue: "#9dc5ff",
  brightMagenta: "#dcbcff",
  brightCyan: "#86dde8",
  brightWhite: "#ffffff",
};
const SCROLLBACK_LINES = 10_000;
const FONT_PX = 14;

type TerminalScreenProps = {
  agent: string;
  reconnect: string;
  command: string | undefined;
  onState(state: TerminalState): void;
  /** Hands out the connection, so that the page can ask for another try. */
  onConnection(connection: TerminalConnection | undefined): void;
};

/** A terminal that fills its parent and stays joined to one shell. */
export function TerminalScreen({ agent, reconnect, command, onState, onConnection }: TerminalScreenProps) {
  const host = useRef<HTMLDivElement>(null);
  const tellState = useEffectEvent(onState);
  const tellConnection = useEffectEvent(onConnection);

  useEffect(() => {
    const terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: true,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--font-mono"),
      fontSize: FONT_PX,
      scrollback: SCROLLBACK_LINES,
      theme: THEME,
      // Screen readers get the lines as text.
      screenReaderMode: false,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.loadAddon(new Unicode11Addon());
    terminal.unicode.activeVersion = "11";
    terminal.loadAddon(new WebLinksAddon((_, uri) => window.open(uri, "_blank", "noopener,noreferrer")));
    terminal.open(host.current!);
    fit.fit();
    terminal.focus();

    const connection = connectTerminal({
      agent,
      reconnect,
      command,
      onState: (state) => tellState(state),
      screen: {
        write: (bytes, drawn) => terminal.write(bytes, drawn),
        reset: () => terminal.reset(),
        size: () => ({ rows: terminal.rows, cols: terminal.cols }),
      },
    });
    tellConnection(connection);
    terminal.onData((data) => connection.send(data));
    terminal.onResize(() => connection.resize());
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(host.current!);
    return () => {
      observer.disconnect();
      connection.close();
      tellConnection(undefined);
      terminal.dispose();
    };
  }, [agent, reconnect, command]);

  return <div ref={host} className="min-h-0 flex-1 px-2 pt-2" data-testid="terminal" />;
}
