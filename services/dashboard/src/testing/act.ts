import { act, fireEvent, screen } from "@testing-library/react";

/** Presses the button of this name, once it is there. */
export async function press(name: string | RegExp): Promise<void> {
  const button = await screen.findByRole("button", { name });
  await act(async () => {
    fireEvent.click(button);
  });
}

/** Clicks this element. */
export async function click(element: Element | undefined): Promise<void> {
  await act(async () => {
    fireEvent.click(element!);
  });
}

/** Presses the last button of this name: the one of a dialog that another of the same name has opened. */
export async function pressLast(name: string): Promise<void> {
  const button = (await screen.findAllByRole("button", { name })).at(-1)!;
  await act(async () => {
    fireEvent.click(button);
  });
}

/** Opens the menu behind the button of this name. */
export async function open(menu: string | RegExp): Promise<void> {
  const button = await screen.findByRole("button", { name: menu });
  await act(async () => {
    fireEvent.keyDown(button, { key: "Enter" });
  });
}

/** Clicks the radio button or checkbox of this label. */
export async function pick(label: string | RegExp): Promise<void> {
  const control = await screen.findByLabelText(label);
  await act(async () => {
    fireEvent.click(control);
  });
}

/** Opens the menu behind the button of this name and chooses an item. */
export async function choose(menu: string | RegExp, item: string | RegExp): Promise<void> {
  await open(menu);
  const found = await screen.findByRole("menuitem", { name: item });
  await act(async () => {
    fireEvent.click(found);
  });
}

export async function fill(label: string | RegExp, value: string): Promise<void> {
  const field = await screen.findByLabelText(label);
  await act(async () => {
    fireEvent.input(field, { target: { value } });
  });
}

/** What is told as an alert, in order. */
export function alerts(): (string | null)[] {
  return screen.queryAllByRole("alert").map((alert) => alert.textContent);
}

/** Leaves the field of this label. */
export async function blur(label: string | RegExp): Promise<void> {
  const field = await screen.findByLabelText(label);
  await act(async () => {
    fireEvent.blur(field);
  });
}
