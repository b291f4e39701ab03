import type { Preset } from "@fleet/sdk";
import * as objects from "../../../testing/objects.js";
import { casesOf } from "./cases.js";

const parameter: typeof objects.parameter = (name, changes) =>
  objects.parameter(name, { required: false, ...changes });
const option = (value: string) => ({ name: value, value, description: "", icon: "" });
const zone = parameter("zone", {
  type: "string",
  default_value: "eu",
  options: [option("eu"), option("us")],
});
const size = parameter("size", { type: "number", default_value: "2", validation_min: 1, validation_max: 4 });
const small = { Name: "Small", Parameters: [{ Name: "size", Value: "1" }] } as Preset;

function names(...args: Parameters<typeof casesOf>): string[] {
  return casesOf(...args).cases.map(({ name }) => name);
}

test("the defaults, each preset and each limit of each parameter are cases", () => {
  const { cases } = casesOf([zone, size], [small], new Map());
  expect(cases).toEqual([
    { name: "defaults", values: [] },
    { name: "preset Small", values: [{ name: "size", value: "1" }] },
    { name: "zone=us", values: [{ name: "zone", value: "us" }] },
    { name: "size=1", values: [{ name: "size", value: "1" }] },
    { name: "size=4", values: [{ name: "size", value: "4" }] },
  ]);
});

test("given values hold in every case but where it sets its own", () => {
  const { cases } = casesOf([zone, size], [], new Map([["zone", "us"]]));
  expect(cases.map(({ values }) => values)).toEqual([
    [{ name: "zone", value: "us" }],
    [{ name: "zone", value: "eu" }],
    [
      { name: "zone", value: "us" },
      { name: "size", value: "1" },
    ],
    [
      { name: "zone", value: "us" },
      { name: "size", value: "4" },
    ],
  ]);
});

test("a required parameter takes its first limit, and must be given if it has none", () => {
  const required = { required: true, default_value: "" };
  const key = parameter("key", { ...required, type: "string" });
  const debug = parameter("debug", { ...required, type: "bool" });
  expect(casesOf([key, debug], [], new Map()).undecided).toEqual(["key"]);
  const { cases, undecided } = casesOf([key, debug], [], new Map([["key", "x"]]));
  expect(undecided).toEqual([]);
  expect(cases[0]!.values).toEqual([
    { name: "key", value: "x" },
    { name: "debug", value: "true" },
  ]);
});

test("lists are tried empty, and with all options; bounds that the options exclude are not tried", () => {
  const ides = parameter("ides", {
    type: "list(string)",
    form_type: "multi-select",
    default_value: '["a"]',
    options: [option("a"), option("b")],
  });
  expect(names([ides], [], new Map())).toEqual(["defaults", "ides=[]", 'ides=["a","b"]']);
  const sizes = parameter("size", {
    type: "number",
    default_value: "2",
    options: [option("2"), option("8")],
    validation_max: 4,
  });
  expect(names([sizes], [], new Map())).toEqual(["defaults"]);
});
