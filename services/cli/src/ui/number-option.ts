import { InvalidArgumentError } from "commander";

/** For commander: parses an integer option of at least `min`. */
export function countOf({ min = 0 } = {}) {
  return (text: string): number => {
    const count = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count >= min) return count;
    throw new InvalidArgumentError(`Must be a whole number of at least ${min}.`);
  };
}
