// First process of a local server, in the place of Linux's init: runs the user data once in the server's life, then
// the systemd units that were enabled, until it is told to shut down.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { serviceManager } from "./units.ts";

const root = process.env.ROOT;
if (root === undefined) throw new Error("ROOT is not set");
const home = join(root, "..");
const enabled = join(root, "etc/systemd/system/enabled");
mkdirSync(enabled, { recursive: true });

const units = serviceManager(join(root, "etc/systemd/system"), root);

// The systemctl of this server speaks to its init through this socket: one command a connection, one line back.
const control = createServer((socket) => {
  socket.setEncoding("utf8").once("data", (line: string) => {
    void units.command(line.trim().split(" ")).then(
      (answer) => socket.end(`${answer}\n`),
      (error: Error) => socket.end(`error ${error.message}\n`),
    );
  });
  socket.on("error", () => {}); // it did not wait for the answer
});

control.listen(0, "127.0.0.1", () => {
  process.env.CHIRP_INIT_PORT = String((control.address() as { port: number }).port);
  void boot();
});

let userData: ReturnType<typeof spawn> | undefined;

let isShuttingDown = false;

process.on("SIGTERM", () => {
  isShuttingDown = true;
  userData?.kill("SIGKILL");
  void units.stopAll().then(() => process.exit(0));
});

async function boot(): Promise<void> {
  const ran = join(home, "user-data-ran");
  if (existsSync(ran)) {
    for (const unit of readdirSync(enabled)) await units.command(["start", unit]);
    return;
  }
  userData = spawn("bash", [join(home, "user-data")], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  userData.on("exit", (code, signal) => {
    console.log(`init: user data ended with ${signal ?? `exit code ${code}`}`);
    // However it ended, cloud-init does not run it again. Only if this machine was shut down meanwhile, which would
    // not happen on AWS, is it as if the server had not been started yet.
    if (!isShuttingDown) writeFileSync(ran, "");
  });
}
