import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createScriptFile, dedent, interpreterOf } from "./script-file.js";

const home = mkdtempSync(join(tmpdir(), "agent-script-file-"));

function run(text: string, shell = "/bin/sh") {
  const source = createScriptFile(shell, text, home);
  const result = spawnSync(source.command.file, source.command.args, { encoding: "utf8", env: process.env });
  source.remove();
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

test.each([
  ["no shebang", "echo $((40 + 2))"],
  ["bash and an option", "#!/bin/bash -e\n[[ $BASH_VERSINFO -gt 2 ]] && echo 42; false; echo survived"],
  ["two options", '#!/bin/bash -e -u\necho 42; echo "$UNSET_X"; echo survived'],
  ["env", "#!/usr/bin/env bash\n[[ a == a ]] && echo 42"],
  ["env -S", "#!/usr/bin/env -S bash -e\necho 42; false; echo survived"],
  ["node", "#!/usr/bin/env node\nconsole.log(40 + 2)"],
  ["perl", "#!/usr/bin/perl -w\nprint 40 + 2, qq(\\n);"],
  ["python", "#!/usr/bin/env python3\nprint(40 + 2)"],
  ["a heredoc that is indented", "  #!/bin/bash -e\n  echo 42\n  false\n  echo survived\n"],
  ["one with blank lines before", "\n\n\t#!/usr/bin/env python3\n\tif True:\n\t    print(42)\n"],
  ["Windows' line ends in the first line", "#!/bin/sh\r\necho 42"],
  ["more than an argument may have", `${": x\n".repeat(80_000)}echo 42`],
])("a script with %s runs", (_title, text) => {
  expect(run(text)).toMatchObject({ stdout: "42\n" });
});

test("-e of an indented shebang takes effect", () => {
  expect(run("    #!/bin/bash -e\n    false\n    echo survived\n").status).toBe(1);
});

test("the file is accessible only to this user while it runs, and removed afterwards", () => {
  const source = createScriptFile("/bin/sh", "true", home);
  const file = source.command.args.at(-1)!;
  expect(statSync(file).mode & 0o777).toBe(0o700);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  source.remove();
  source.remove();
  expect(existsSync(dirname(file))).toBe(false);
});

test("only a shebang at the beginning counts", () => {
  expect(interpreterOf("echo\n#!/bin/bash")).toBeUndefined();
  expect(interpreterOf("#! /bin/ksh -x -v ")).toEqual({ file: "/bin/ksh", args: ["-x", "-v"] });
  expect(dedent("  echo\n  #!/bin/sh")).toBe("  echo\n  #!/bin/sh");
});

test("a script without a shebang keeps its indentation", () => {
  const text = "  cat <<E\n    deep\nE\n";
  expect(dedent(text)).toBe(text);
});
