import { build } from "../../testing/samples.js";
import { changedParameters, changedResources } from "./changes.js";

test("parameters that were changed, added and removed", () => {
  const before = [
    { name: "region", value: "eu" },
    { name: "size", value: "small" },
    { name: "old", value: "1" },
  ];
  const after = [
    { name: "region", value: "us" },
    { name: "size", value: "small" },
    { name: "new", value: "" },
  ];
  expect(changedParameters(before, after)).toEqual([
    { name: "new", before: undefined, after: "" },
    { name: "old", before: "1", after: undefined },
    { name: "region", before: "eu", after: "us" },
  ]);
});

test("resources that come and go", () => {
  const [machine] = build().resources;
  const disk = { ...machine!, type: "disk", name: "home" };
  expect(changedResources([machine!], [disk])).toEqual([
    { name: "disk.home", before: undefined, after: "" },
    { name: `${machine!.type}.${machine!.name}`, before: "", after: undefined },
  ]);
});
