import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, fillOnce } from "./cache.ts";
import { findProgram } from "./find.ts";
import { lastLines, run } from "./run.ts";

/** Amazon's DynamoDB Local; tools/dynamodb/pom.xml names the same version. */
export const dynamodbLocalVersion = "2.6.1";

/** The oldest Java that DynamoDB Local runs on. */
export const oldestJava = 17;

export interface DynamoDBLocalOptions {
  readonly report: (line: string) => void;
  /** Where to look, and where everything else is kept. @default the process's own */
  readonly env?: NodeJS.ProcessEnv;
}

/** What starts DynamoDB Local: `java -cp classPath mainClass PORT [FILE]`. */
export interface DynamoDBLocal {
  /** Path of the program. */
  readonly java: string;
  readonly classPath: string;
  readonly mainClass: string;
}

const sources = join(import.meta.dirname, "dynamodb");
const launcher = join(sources, "LoopbackServer.java");

/**
 * Fetches DynamoDB Local with Maven (51 MB, about ten seconds, once) and compiles our launcher for it.
 *
 * @returns how to start it; undefined where Java 17 or, before the first time, Maven is missing, or the fetch fails:
 * `report` is told which.
 */
export async function ensureDynamoDBLocal(options: DynamoDBLocalOptions): Promise<DynamoDBLocal | undefined> {
  const { report, env = process.env } = options;
  const java = await findJava(env);
  if (!java)
    return void report(`Java ${oldestJava} or newer is not on the PATH, so Amazon's DynamoDB Local is not used`);
  const [jars, classes] = [cachePath(`dynamodb-local-${dynamodbLocalVersion}`, env), await classesFolder(env)];
  try {
    await fillOnce(jars, {
      title: "DynamoDB Local",
      report,
      isWhole: hasJars,
      make: (work) => fetchJars(work, options),
    });
    await fillOnce(classes, {
      title: "DynamoDB Local's launcher",
      report,
      isWhole: async (folder) => (await list(folder)).includes("LoopbackServer.class"),
      make: (work) => compile(jars, work, env),
    });
  } catch (error) {
    return void report(`Amazon's DynamoDB Local is not used: ${(error as Error).message}`);
  }
  return { java, classPath: [join(jars, "*"), classes].join(":"), mainClass: "LoopbackServer" };
}

async function findJava(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const java = await findProgram(["java"], { path: env.PATH });
  if (!java) return undefined;
  // On macOS /usr/bin/java is there without a Java behind it; then this fails.
  const { code, stderr } = await run(java, ["-version"], { env });
  const major = Number(/version "(\d+)/.exec(stderr)?.[1]);
  return code === 0 && major >= oldestJava ? java : undefined;
}

/** Another launcher's classes don't fit: each source text has a folder of its own. */
async function classesFolder(env: NodeJS.ProcessEnv): Promise<string> {
  const hash = createHash("sha256")
    .update(await readFile(launcher))
    .digest("hex");
  return cachePath(`dynamodb-launcher-${hash.slice(0, 12)}`, env);
}

async function hasJars(folder: string): Promise<boolean> {
  return (await list(folder)).includes(`DynamoDBLocal-${dynamodbLocalVersion}.jar`);
}

async function fetchJars(work: string, { report, env = process.env }: DynamoDBLocalOptions): Promise<string> {
  const maven = await findProgram(["mvn"], { path: env.PATH });
  if (!maven) throw new Error("Maven (mvn), which fetches it, is not on the PATH");
  report(`Fetching DynamoDB Local ${dynamodbLocalVersion} with Maven: 51 MB, once; later starts find it in the cache`);
  const jars = join(work, "jars");
  const goal = ["dependency:copy-dependencies", `-DoutputDirectory=${jars}`];
  const { code, stdout } = await run(maven, ["-q", "-B", "-f", join(sources, "pom.xml"), ...goal], { env });
  if (code !== 0 || !(await hasJars(jars))) throw new Error(`${maven} could not fetch it:\n${lastLines(stdout, 3)}`);
  return jars;
}

async function compile(jars: string, work: string, env: NodeJS.ProcessEnv): Promise<string> {
  const compiler = await findProgram(["javac"], { path: env.PATH });
  if (!compiler) throw new Error("the Java compiler (javac) is not on the PATH; a JDK has it, a JRE doesn't");
  const { code, stderr } = await run(compiler, ["-nowarn", "-cp", join(jars, "*"), "-d", work, launcher], { env });
  if (code !== 0) throw new Error(`javac could not compile its launcher:\n${lastLines(stderr)}`);
  return work;
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
