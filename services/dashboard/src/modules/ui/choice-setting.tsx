import type { ReactNode } from "react";
import { Switch } from "./choice.js";

/** A setting that is on or off, with what it means. */
export function SwitchSetting(props: {
  checked: boolean;
  onChange(checked: boolean): void;
  title: string;
  children?: ReactNode;
  disabled?: boolean;
}) {
  return (
    <Switch checked={props.checked} onChange={props.onChange} disabled={props.disabled ?? false}>
      <span className="font-medium text-sm">{props.title}</span>
      {props.children && <span className="block text-muted text-xs">{props.children}</span>}
    </Switch>
  );
}
