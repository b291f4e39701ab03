import { InvalidArgumentError } from "commander";

/** For commander: reads an option that is a whole number, of `min` or more. */
export function countOf({ min = 0 } = {}) {
  return (text: string): number => {
    const count = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= min) return count;
    throw new InvalidArgumentError(`Must be a whole number of at least ${min}.`);
  };
}
