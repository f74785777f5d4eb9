import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { S3 } from "../../local/parts/s3/service.ts";
import { Objects } from "../../local/parts/storage/objects.ts";

/** A bucket on a real S3 endpoint that verifies signatures. */
export interface TestS3 {
  readonly endpoint: string;
  readonly bucket: string;
  readonly objects: Objects;
  /** Keys of everything in the bucket. */
  keys(): string[];
  /** While set, every request is answered with 503. */
  isDown: boolean;
  stop(): Promise<void>;
}

/** The credentials that it knows, as environment variables. */
export const s3Credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

/** Starts one on a folder. @param pages origins that may upload @param methods and how */
export async function startTestS3(folder: string, pages: string[] = [], methods = ["PUT"]): Promise<TestS3> {
  const bucket = "pictures";
  const objects = new Objects(folder);
  objects.createBucket(bucket);
  const rule = { allowedOrigins: pages, allowedMethods: methods, allowedHeaders: ["content-type", "if-none-match"] };
  const s3 = new S3({
    objects,
    settings: (name) => (name === bucket ? { isVersioned: true, cors: [rule] } : undefined),
    secretOf: (id) => (id === s3Credentials.AWS_ACCESS_KEY_ID ? s3Credentials.AWS_SECRET_ACCESS_KEY : undefined),
  });
  const server = createServer((request, response) => {
    if (test.isDown) response.writeHead(503).end();
    else void s3.serve(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const test: TestS3 = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    objects,
    keys: () => objects.list(bucket).map(({ key }) => key),
    isDown: false,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return test;
}
