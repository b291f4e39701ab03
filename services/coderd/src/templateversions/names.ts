import { randomInt } from "node:crypto";

const ADJECTIVES =
  "able amber ample bold brave brisk calm clear clever coral crisp deep eager early fair fine fresh gentle glad golden grand happy honest jolly keen kind lively lucid lunar merry mild neat noble patient plain polite proud quick quiet rapid ready royal sharp shiny silent simple sleek smart solar solid steady still strong sunny swift tidy vivid warm wise witty".split(
    " ",
  );
const NAMES =
  "archimedes babbage bell bohr boole carson cray curie darwin dijkstra edison einstein euclid euler faraday fermat fermi feynman franklin galileo gauss goodall hamilton hawking hopper hypatia johnson kepler knuth lamarr leakey liskov lovelace maxwell mccarthy meitner mendel newton noether pascal pasteur perlman planck ride ritchie rosalind sagan shannon tesla thompson torvalds turing volta wing wozniak yalow".split(
    " ",
  );

/** Generates a name for a version created without one: `quiet_hopper42`. */
export function randomVersionName(random: (below: number) => number = randomInt): string {
  return `${ADJECTIVES[random(ADJECTIVES.length)]}_${NAMES[random(NAMES.length)]}${random(100)}`;
}
