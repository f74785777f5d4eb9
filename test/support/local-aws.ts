import { appendFileSync } from "node:fs";
import { request, type Agent, type IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Properties } from "../../local/aws/record.ts";
import { LocalAws } from "../../local/local-aws.ts";
import { Operations, type Outcome } from "../../local/provider/operations.ts";

/** The local AWS in this process, driven as the engine drives it: check, then create, update or delete. */
export class TestAws {
  readonly aws: LocalAws;
  readonly operations: Operations;
  readonly warnings: string[] = [];
  readonly lines: string[] = [];

  private constructor(dir: string) {
    const log = (line: string) => {
      this.lines.push(line);
      appendFileSync(join(dir, "log"), `${line}\n`);
    };
    this.aws = new LocalAws({ dir, port: 0, log });
    this.aws.tell = (message) => void this.warnings.push(message);
    this.operations = new Operations(this.aws);
  }

  static async start(dir: string): Promise<TestAws> {
    const test = new TestAws(dir);
    await test.aws.start();
    return test;
  }

  urn(type: string, name: string): string {
    return `urn:pulumi:test::chirp::${type}::${name}`;
  }

  /** Checks inputs; throws the failures, as an engine reports them. */
  check(type: string, name: string, inputs: Properties, before?: Properties): Properties {
    const { inputs: checked, failures } = this.operations.check(this.urn(type, name), before, inputs);
    if (failures.length > 0)
      throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
    return checked;
  }

  async create(type: string, name: string, inputs: Properties = {}): Promise<Outcome> {
    const made = await this.operations.create(this.urn(type, name), this.check(type, name, inputs));
    this.operations.noted(type, made.id, this.urn(type, name));
    return made;
  }

  async update(type: string, name: string, made: Outcome, inputs: Properties): Promise<Outcome> {
    const checked = this.check(type, name, inputs, made.inputs);
    return this.operations.update(type, made.id, this.urn(type, name), checked);
  }

  async delete(type: string, name: string, { id }: Outcome): Promise<void> {
    await this.operations.delete(type, id, this.urn(type, name));
  }

  async stop(): Promise<void> {
    await this.aws.stop();
  }
}

/** User data that installs the stand-in server as a systemd service behind a socket on port 80. */
export function standInUserData(environment: Record<string, string> = {}): string {
  const program = fileURLToPath(new URL("./stand-in-server.ts", import.meta.url));
  const lines = Object.entries(environment).map(([name, value]) => `Environment=${name}=${value}`);
  return `#!/bin/bash
set -euo pipefail
echo "user data runs"
units="\${ROOT:-}/etc/systemd/system"
mkdir -p "$units"
cat >"$units/web.socket" <<END
[Socket]
ListenStream=80
END
cat >"$units/web.service" <<END
[Unit]
Requires=web.socket
[Service]
Environment=INSTANCE_ID=$(curl -s http://169.254.169.254/latest/meta-data/instance-id)
${lines.join("\n")}
ExecStart=$(command -v node) ${program}
Restart=always
RestartSec=0.05
TimeoutStopSec=5
END
systemctl daemon-reload
systemctl enable --now web.service
`;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly agent?: Agent | false;
  /** Address of the client: any in 127.0.0.0/8. */
  readonly from?: string;
}

/** One HTTP request to a port of this machine. */
export function http(port: number, path: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const { method, headers, body, agent = false, from } = options;
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent, localAddress: from }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
