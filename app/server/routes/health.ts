import { Router } from "express";
import type { Backend } from "../backend.ts";

/**
 * /health says that this process is alive and never asks the database: a database's failover must not make the balancer
 * end the whole fleet. /ready says whether the data can be reached.
 */
export function healthRoutes(backend: Backend): Router {
  const router = Router();

  router.get("/health", (_request, response) => {
    response.json({ status: "ok" });
  });

  router.get("/ready", async (_request, response) => {
    await backend.store.ping();
    response.json({ status: "ready" });
  });

  return router;
}
