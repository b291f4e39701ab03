import { parseTerminalModes } from "./terminal-modes.js";

test("output of GNU and BSD stty is parsed", () => {
  const gnu = `speed 38400 baud; rows 24; columns 80; line = 0;
intr = ^C; quit = ^\\; erase = ^H; kill = ^U; eof = ^D; eol = <undef>; rprnt = ^R; min = 1; time = 0;
-parenb cs8 ignpar -ixon iutf8
echo -echonl`;
  expect(parseTerminalModes(gnu)).toEqual({
    ...{ VINTR: 3, VQUIT: 28, VERASE: 8, VKILL: 21, VEOF: 4, VEOL: 255, VREPRINT: 18 },
    ...{ PARENB: 0, CS8: 1, IGNPAR: 1, IXON: 0, IUTF8: 1, ECHO: 1, ECHONL: 0 },
  });
  const bsd = "lflags: icanon isig -tostop\ncchars: discard = ^O; erase = ^?; eol2 = <undef>;";
  expect(parseTerminalModes(bsd)).toEqual({
    ...{ VDISCARD: 15, VERASE: 127, VEOL2: 255, ICANON: 1, ISIG: 1, TOSTOP: 0 },
  });
});
