import { instancesOf, parseState, removeFrom, type State } from "./edit.js";

const resource = (module: string | undefined, mode: string, name: string, keys: unknown[]) => ({
  ...(module ? { module } : {}),
  mode,
  type: "docker_volume",
  name,
  provider: 'provider["registry.terraform.io/kreuzwerker/docker"]',
  instances: keys.map((key) => ({
    ...(key === undefined ? {} : { index_key: key }),
    attributes: { id: "x" },
  })),
});

const STATE: State = {
  version: 4,
  serial: 7,
  lineage: "one",
  outputs: { kept: true },
  resources: [
    resource(undefined, "managed", "home", [undefined]),
    resource(undefined, "managed", "homes", [0, 1]),
    resource(undefined, "data", "home", [undefined]),
    resource("module.a", "managed", "home", ['x"].y']),
    resource('module.a["k.l"].module.b', "managed", "home", [undefined]),
    resource("module.ab", "managed", "home", [undefined]),
  ] as never,
};
const ALL = [
  "docker_volume.home",
  "docker_volume.homes[0]",
  "docker_volume.homes[1]",
  "data.docker_volume.home",
  'module.a.docker_volume.home["x\\"].y"]',
  'module.a["k.l"].module.b.docker_volume.home',
  "module.ab.docker_volume.home",
];

test("instances have Terraform's addresses", () => {
  expect(instancesOf(STATE).map(({ address }) => address)).toEqual(ALL);
});

test.each([
  ["docker_volume.home", ["docker_volume.home"]],
  ["docker_volume.homes", ["docker_volume.homes[0]", "docker_volume.homes[1]"]],
  ["docker_volume.homes[1]", ["docker_volume.homes[1]"]],
  ["data.docker_volume.home", ["data.docker_volume.home"]],
  ["module.a", [ALL[4], ALL[5]]],
  ['module.a["k.l"]', [ALL[5]]],
  [ALL[4]!, [ALL[4]]],
  ["module.ab", [ALL[6]]],
])("removing %s", (address, gone) => {
  const { state, removed } = removeFrom(STATE, [address]);
  expect(removed).toEqual(gone);
  expect(instancesOf(state).map((instance) => instance.address)).toEqual(
    ALL.filter((one) => !gone.includes(one)),
  );
  expect(state).toMatchObject({ version: 4, serial: 8, lineage: "one", outputs: { kept: true } });
  expect(STATE.serial).toBe(7);
});

test("an address that names nothing, also beside one that does, removes nothing", () => {
  for (const wrong of [
    "docker_volume",
    "docker_volume.hom",
    "docker_volume.homes[2]",
    "module.a.docker_volume",
    "",
  ]) {
    expect(() => removeFrom(STATE, ["docker_volume.home", wrong])).toThrow("coder state list");
  }
});

test("a state that cannot be read says how to go back", () => {
  expect(parseState("")).toEqual({});
  for (const text of ["{", "[]", "4"]) expect(() => parseState(text)).toThrow("coder state history");
});
