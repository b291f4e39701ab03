import clsx from "clsx";
import { Check } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { createContext, type ReactElement, type ReactNode, type RefObject, useContext, useRef } from "react";
import { Link } from "react-router";

/**
 * Delays an item's action until the menu has closed and its button has focus again, so that a dialog opened by it
 * returns focus there.
 */
const ChosenContext = createContext<RefObject<(() => void) | undefined> | undefined>(undefined);

export function Menu({
  trigger,
  children,
  label,
}: {
  trigger: ReactElement;
  children: ReactNode;
  label?: string;
}) {
  const chosen = useRef<(() => void) | undefined>(undefined);
  return (
    <ChosenContext value={chosen}>
      <DropdownMenu.Root modal={false}>
        <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
        {/* Inside a landmark, where screen readers look for what belongs to the page. */}
        <DropdownMenu.Portal container={document.getElementById("main")}>
          <DropdownMenu.Content
            align="end"
            sideOffset={4}
            collisionPadding={8}
            aria-label={label}
            onCloseAutoFocus={() => {
              if (chosen.current) queueMicrotask(chosen.current);
              chosen.current = undefined;
            }}
            className="z-40 min-w-44 animate-appear rounded-lg border border-line bg-raised p-1 shadow-float"
          >
            {children}
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </ChosenContext>
  );
}

const ITEM =
  "relative flex cursor-default select-none items-center gap-2.5 rounded-md px-2 py-1.5 text-base outline-none data-highlighted:bg-hover data-disabled:opacity-50 [&_svg]:size-4 [&_svg]:text-faint";

export function MenuItem(props: {
  icon?: ReactNode;
  children: ReactNode;
  onSelect?: () => void;
  /** Path within the dashboard. */
  to?: string;
  /** URL that opens in a new tab. */
  href?: string;
  danger?: boolean;
  disabled?: boolean;
}) {
  const chosen = useContext(ChosenContext);
  const classes = clsx(ITEM, props.danger && "text-bad [&_svg]:text-bad!");
  if (props.to !== undefined) {
    return (
      <DropdownMenu.Item asChild className={classes}>
        <Link to={props.to}>
          {props.icon}
          {props.children}
        </Link>
      </DropdownMenu.Item>
    );
  }
  if (props.href !== undefined) {
    return (
      <DropdownMenu.Item asChild className={classes}>
        <a href={props.href} target="_blank" rel="noreferrer">
          {props.icon}
          {props.children}
        </a>
      </DropdownMenu.Item>
    );
  }
  return (
    <DropdownMenu.Item
      className={classes}
      disabled={props.disabled ?? false}
      onSelect={() => {
        if (chosen) chosen.current = props.onSelect;
      }}
    >
      {props.icon}
      {props.children}
    </DropdownMenu.Item>
  );
}

/** A group of options with one selected. Selecting does not close the menu. */
export function MenuChoices(props: {
  label: string;
  value: string;
  choices: readonly { value: string; label: string; icon: ReactNode }[];
  onChange(value: string): void;
}) {
  return (
    <DropdownMenu.RadioGroup value={props.value} onValueChange={props.onChange} aria-label={props.label}>
      <DropdownMenu.Label className="px-2 pt-1 text-faint text-xs">{props.label}</DropdownMenu.Label>
      {props.choices.map(({ value, label, icon }) => (
        <DropdownMenu.RadioItem
          key={value}
          value={value}
          className={ITEM}
          onSelect={(event) => event.preventDefault()}
        >
          {icon}
          {label}
          <DropdownMenu.ItemIndicator className="ml-auto">
            <Check aria-hidden />
          </DropdownMenu.ItemIndicator>
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}

/** An item that is on or off. Changing it does not close the menu. */
export function MenuCheck(props: {
  checked: boolean;
  onChange(checked: boolean): void;
  children: ReactNode;
}) {
  return (
    <DropdownMenu.CheckboxItem
      checked={props.checked}
      onCheckedChange={props.onChange}
      onSelect={(event) => event.preventDefault()}
      className={clsx(ITEM, "pr-8")}
    >
      {props.children}
      <DropdownMenu.ItemIndicator className="absolute right-2">
        <Check aria-hidden />
      </DropdownMenu.ItemIndicator>
    </DropdownMenu.CheckboxItem>
  );
}

export function MenuLine() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
