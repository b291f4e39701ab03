import clsx from "clsx";
import { DropdownMenu } from "radix-ui";
import type { ReactElement, ReactNode } from "react";
import { Link } from "react-router";

export function Menu({
  trigger,
  children,
  label,
}: {
  trigger: ReactElement;
  children: ReactNode;
  label?: string;
}) {
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          aria-label={label}
          className="z-40 min-w-44 animate-appear rounded-lg border border-line bg-raised p-1 shadow-float"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const ITEM =
  "flex cursor-default select-none items-center gap-2.5 rounded-md px-2 py-1.5 text-base outline-none data-highlighted:bg-hover data-disabled:opacity-50 [&_svg]:size-4 [&_svg]:text-faint";

export function MenuItem(props: {
  icon?: ReactNode;
  children: ReactNode;
  onSelect?: () => void;
  to?: string;
  danger?: boolean;
  disabled?: boolean;
}) {
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
  return (
    <DropdownMenu.Item
      className={classes}
      disabled={props.disabled ?? false}
      {...(props.onSelect ? { onSelect: props.onSelect } : {})}
    >
      {props.icon}
      {props.children}
    </DropdownMenu.Item>
  );
}

export function MenuLine() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
