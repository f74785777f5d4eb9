import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildPulumi } from "../../tools/build.ts";
import { fillOnce } from "../../tools/cache.ts";
import { claim } from "../../tools/claim.ts";
import { databaseServer, ensureProgram } from "../../tools/packages.ts";
import { cacheFolder, ensurePulumi, isAtLeast, oldestPulumi, pulumiVersion } from "../../tools/pulumi.ts";
import { run } from "../../tools/run.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/wait.ts";

describe("set-up", () => {
  const root = temporaryFolder();
  let folders = 0;

  /** A folder with programs that run the given shell lines. */
  function programs(scripts: Record<string, string>): string {
    const folder = join(root, `bin-${++folders}`);
    mkdirSync(folder);
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    return folder;
  }

  /** A cache that has the CLI, so that nothing is installed or built. */
  function filledCache(): { home: string; folder: string } {
    const home = join(root, `home-${++folders}`);
    const folder = cacheFolder({ HOME: home });
    mkdirSync(folder, { recursive: true });
    for (const name of ["pulumi", "pulumi-language-nodejs"]) {
      writeFileSync(join(folder, name), "");
      chmodSync(join(folder, name), 0o755);
    }
    return { home, folder };
  }

  describe("Pulumi's CLI", () => {
    it("compares versions part by part", () => {
      assert.ok(isAtLeast("v3.248.0", "3.248.0"));
      assert.ok(isAtLeast("3.1000.0", "3.248.0"));
      assert.ok(isAtLeast("4.0.0-alpha.1", "3.248.9"));
      assert.ok(!isAtLeast("3.99.12", "3.248.0"));
      assert.ok(!isAtLeast("", "3.248.0"));
    });

    it("is built from the version that its module pins", async () => {
      const { stdout } = await run("grep", ["-rh", "github.com/pulumi/pulumi/pkg/v3 v", "tools/pulumi/go.mod"]);
      assert.match(stdout, new RegExp(`v${pulumiVersion.replaceAll(".", "\\.")}\\b`));
    });

    it("is taken from the PATH where it is new enough and whole", async () => {
      const path = programs({ pulumi: "echo v3.300.1", "pulumi-language-nodejs": "" });
      const env = { PATH: `${path}:/bin:/usr/bin`, HOME: root };
      assert.equal(await ensurePulumi({ report: assert.fail, env }), path);
    });

    const unfit: readonly [what: string, scripts: Record<string, string>, why: RegExp][] = [
      ["too old", { pulumi: "echo v3.99.0", "pulumi-language-nodejs": "" }, new RegExp(`3.99.0, and ${oldestPulumi}`)],
      ["without the language host", { pulumi: "echo v3.300.1" }, /pulumi-language-nodejs is not with it/],
      ["broken", { pulumi: "exit 3", "pulumi-language-nodejs": "" }, /`pulumi version` fails/],
    ];
    for (const [what, scripts, why] of unfit) {
      it(`on the PATH is left alone when it is ${what}, and the cached one is used`, async () => {
        const { home, folder } = filledCache();
        const said: string[] = [];
        const env = { PATH: `${programs(scripts)}:/bin`, HOME: home };
        assert.equal(await ensurePulumi({ report: (line) => said.push(line), env }), folder);
        assert.match(said.join(), why);
      });
    }

    it("is cached in XDG_CACHE_HOME where that is set", () => {
      assert.equal(cacheFolder({ XDG_CACHE_HOME: "/c", HOME: "/h" }), `/c/chirp/pulumi-${pulumiVersion}`);
      assert.equal(cacheFolder({ HOME: "/h" }), `/h/.cache/chirp/pulumi-${pulumiVersion}`);
    });

    it("is set up by one process at a time; the other waits and uses what it made", async () => {
      const { home, folder } = filledCache();
      const withheld = `${folder}.withheld`;
      await run("mv", [folder, withheld]);
      const turn = await claim(`${folder}.lock`);
      assert.ok(turn.held);
      const said: string[] = [];
      const waiting = ensurePulumi({ report: (line) => said.push(line), env: { PATH: "/nowhere", HOME: home } });
      await until(() => said.some((line) => /waiting for it/.test(line)), { describe: "the second one waits" });
      await run("mv", [withheld, folder]);
      await turn.release();
      assert.equal(await waiting, folder);
    });
  });

  it("removes what a set-up that was killed left behind", async () => {
    const folder = join(root, "cache", "thing");
    mkdirSync(`${folder}.work-killed`, { recursive: true });
    const isWhole = async () => existsSync(join(folder, "whole"));
    const make = async (work: string) => {
      writeFileSync(join(work, "whole"), "");
      return work;
    };
    await fillOnce(folder, { title: "a thing", report: assert.fail, isWhole, make });
    assert.deepEqual(readdirSync(join(root, "cache")), ["thing"]);
  });

  it("says what to install where there is neither a CLI nor Go", async () => {
    const options = { report: assert.fail, env: { PATH: programs({}) }, version: pulumiVersion };
    await assert.rejects(
      buildPulumi(root, options),
      /Install one of them: https:\/\/www\.pulumi\.com\/.* or https:\/\/go\.dev/,
    );
  });

  it("shows why a build failed", async () => {
    const env = { PATH: programs({ go: "echo 'no space left on device' >&2; exit 1" }) };
    await assert.rejects(
      buildPulumi(root, { report: () => {}, env, version: "1" }),
      /failed:\nno space left on device/,
    );
  });

  it("passes a project's `typescript: false` on to the language host that it built", async () => {
    // Builds programs that print what they are given.
    const compiler = `printf '#!/bin/sh\\necho "$@"\\n' > "$5"; /bin/chmod +x "$5"`;
    const options = { report: () => {}, env: { PATH: programs({ go: compiler }) }, version: pulumiVersion };
    const host = join(await buildPulumi(root, options), "pulumi-language-nodejs");
    const given = async (runtime: string) => {
      const cwd = programs({});
      writeFileSync(join(cwd, "Pulumi.yaml"), `name: some\nruntime:${runtime}`);
      return (await run(host, ["127.0.0.1:1"], { cwd })).stdout.trim();
    };
    assert.equal(await given("\n  name: nodejs\n  options:\n    typescript: false\n"), "-typescript=false 127.0.0.1:1");
    assert.equal(await given(" nodejs\n"), "127.0.0.1:1");
    assert.equal(await given("\n  name: nodejs\n  options:\n    typescript: true\n"), "127.0.0.1:1");
  });

  describe("system packages", () => {
    it("finds what is there", async () => {
      const path = programs({ mariadbd: "" });
      assert.equal(await ensureProgram(databaseServer, { report: assert.fail, path }), join(path, "mariadbd"));
    });

    const absent = { ...databaseServer, names: ["chirp-no-such-program"], folders: [] };

    it("names the command of this system where it may not install", async () => {
      for (const [manager, said] of [
        ["apt-get", /sudo apt-get install -y --no-install-recommends mariadb-server-core$/],
        ["dnf", /sudo dnf install -y mariadb-server$/],
        ["pacman", /sudo pacman -S --noconfirm mariadb$/],
        ["brew", /Install it: brew install mariadb$/],
      ] as const) {
        const options = { report: assert.fail, path: programs({ [manager]: "" }), root: false };
        await assert.rejects(ensureProgram(absent, options), said);
      }
      await assert.rejects(ensureProgram(absent, { report: assert.fail, path: "/nowhere" }), /package of your system/);
    });

    it("installs with apt-get as root", async () => {
      const marks = join(root, "apt-was-called");
      const path = programs({});
      const install = `echo "$@" >> ${marks}; [ "$1" = update ] || { echo > ${path}/chirp-no-such-program; /bin/chmod +x ${path}/chirp-no-such-program; }`;
      writeFileSync(join(path, "apt-get"), `#!/bin/sh\n${install}\n`);
      chmodSync(join(path, "apt-get"), 0o755);
      const said: string[] = [];
      const found = await ensureProgram(absent, { report: (line) => said.push(line), path, root: true });
      assert.equal(found, join(path, "chirp-no-such-program"));
      assert.ok(existsSync(marks));
      assert.match(said.join(), /Installing MariaDB/);
    });

    it("shows why apt-get failed", async () => {
      const path = programs({ "apt-get": "echo 'E: no network' >&2; exit 100" });
      await assert.rejects(
        ensureProgram(absent, { report: () => {}, path, root: true }),
        /apt-get update failed:\nE: no net/,
      );
    });
  });

  describe("claim", () => {
    it("goes to exactly one of many that want it at once, even over a dead one's", async () => {
      const path = join(root, "contested");
      writeFileSync(path, JSON.stringify({ pid: 2 ** 22 - 1, started: "1" }));
      const script = `import { claim } from ${JSON.stringify(join(import.meta.dirname, "../../tools/claim.ts"))};
        const { held } = await claim(${JSON.stringify(path)});
        console.log(held);
        await new Promise((resolve) => process.stdin.once("end", resolve).resume());`;
      const { spawn } = await import("node:child_process");
      const contenders = Array.from({ length: 4 }, () =>
        spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], { stdio: ["pipe", "pipe", 2] }),
      );
      const answers = await Promise.all(
        contenders.map(
          (child) => new Promise((resolve) => child.stdout?.once("data", (data) => resolve(`${data}`.trim()))),
        ),
      );
      for (const child of contenders) child.stdin?.end();
      assert.equal(answers.filter((answer) => answer === "true").length, 1, answers.join());
      assert.deepEqual(
        readdirSync(root).filter((name) => name.startsWith("contested.")),
        [],
      );
    });
  });
});
