// A small server for machines of the local AWS in tests: it says who it is and does what the path asks for.
import { createServer } from "node:http";

const { INSTANCE_ID = "", VERSION = "1", FAIL_HEALTH, LISTEN_FDS, PORT } = process.env;
let isHealthy = FAIL_HEALTH === undefined;
let isDraining = false;

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://stand-in");
  const answer = (status: number, body: unknown) => {
    if (isDraining) response.setHeader("Connection", "close");
    response.writeHead(status).end(JSON.stringify(body));
  };
  switch (url.pathname) {
    case "/health":
      return answer(isHealthy ? 200 : 503, {});
    case "/become":
      isHealthy = url.searchParams.get("health") === "good";
      return answer(200, {});
    case "/slow":
      setTimeout(() => answer(200, { id: INSTANCE_ID }), Number(url.searchParams.get("ms")));
      return;
    case "/reset":
      return void request.socket.resetAndDestroy();
    case "/exit":
      process.exit(1);
      break;
    case "/half":
      response.writeHead(200, { "Content-Length": "100" }).write("half");
      return void setTimeout(() => request.socket.destroy(), 20);
    case "/echo": {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => answer(200, { method: request.method, headers: request.headers, body }));
      return;
    }
    default:
      answer(200, { id: INSTANCE_ID, version: VERSION, pid: process.pid, remote: request.socket.remoteAddress });
  }
});
server.keepAliveTimeout = 75_000;
server.listen(LISTEN_FDS ? { fd: 3 } : { port: Number(PORT), host: "127.0.0.1" });

process.on("SIGTERM", () => {
  console.log("draining");
  isDraining = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
