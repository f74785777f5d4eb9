import { useEffect, useState } from "preact/hooks";
import type { Command, MigrationStatus } from "../model.ts";
import type { Details } from "./http.ts";

/** The lag at some time, for the curve. */
export interface Sample {
  readonly at: number;
  readonly lagSeconds: number;
}

export interface Watch {
  readonly status: MigrationStatus | undefined;
  readonly details: Details;
  /** Of the last minutes, while this page was open. */
  readonly lag: readonly Sample[];
  /** Why nothing newer is known; undefined while all is well. */
  readonly silence: string | undefined;
}

/** Milliseconds between two questions, and for which the curve goes back. */
const interval = 1000;
const memory = 5 * 60_000;

const nothing: Watch = { status: undefined, details: { deadLetters: [], mismatches: [] }, lag: [], silence: undefined };

/** Asks the worker how it is, again and again. */
export function useWatch(): Watch {
  const [watch, setWatch] = useState(nothing);
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      const found = await ask();
      if (isOver) return;
      setWatch((before) => remember(before, found));
      timer = setTimeout(look, interval);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
  return watch;
}

/** Asks the worker to do something; undefined when it will, else why not. */
export async function command(name: Command): Promise<string | undefined> {
  try {
    await fetchJson(`/commands/${name}`, { method: "POST" });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function ask(): Promise<Pick<Watch, "status" | "details"> | Error> {
  try {
    const [status, details] = await Promise.all([fetchJson("/status"), fetchJson("/details")]);
    return { status: status as MigrationStatus, details: details as Details };
  } catch (error) {
    return error as Error;
  }
}

function remember(before: Watch, found: Pick<Watch, "status" | "details"> | Error): Watch {
  if (found instanceof Error) return { ...before, silence: found.message };
  const now = Date.now();
  const seconds = found.status?.binlog?.lagSeconds ?? found.status?.outbox?.oldestSeconds;
  const lag = before.lag.filter(({ at }) => at > now - memory);
  return {
    ...found,
    lag: seconds === undefined ? lag : [...lag, { at: now, lagSeconds: seconds }],
    silence: undefined,
  };
}

async function fetchJson(path: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(path, { ...init, signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  if (!response) throw new Error("The worker does not answer.");
  const body = (await response.json()) as { error?: { message?: string } };
  if (!response.ok) throw new Error(body.error?.message ?? `The worker answered ${response.status}.`);
  return body;
}
