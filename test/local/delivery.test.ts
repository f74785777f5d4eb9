import assert from "node:assert/strict";
import { AwsError } from "../../local/aws/errors.ts";
import { Delivery } from "../../local/parts/stream/delivery.ts";
import { settingsOf } from "../../local/parts/stream/settings.ts";
import type { StreamRecord } from "../../local/parts/stream/source.ts";

const hour = 3_600_000;

/** A function that fails as it is told, and a clock that runs only while somebody waits. */
class World {
  /** Records of every invocation. */
  readonly invocations: string[][] = [];
  readonly done: string[] = [];
  readonly letters: { numbers: string[]; condition: string; invocations: number; failure: string | null }[] = [];
  isStopped = false;
  time = 10 * hour;
  answer: (numbers: readonly string[]) => unknown = () => ({});

  async deliver(inputs: object, records: readonly StreamRecord[]): Promise<void> {
    const defaults = { eventSourceArn: "arn", functionName: "function" };
    const numbersOf = (some: readonly StreamRecord[]) => some.map(({ dynamodb }) => dynamodb.SequenceNumber);
    const delivery = new Delivery(settingsOf({ ...defaults, ...inputs }), {
      invoke: async (some) => {
        this.invocations.push(numbersOf(some));
        return JSON.stringify(this.answer(numbersOf(some)));
      },
      giveUp: (some, condition, invocations, failure) =>
        void this.letters.push({ numbers: numbersOf(some), condition, invocations, failure }),
      pause: async (milliseconds) => void (this.time += milliseconds),
      isStopped: () => this.isStopped,
      now: () => this.time,
      log: () => {},
    });
    await delivery.deliver(records, (some) => void this.done.push(...numbersOf(some)));
  }
}

/** Records with the numbers 1, 2, 3 …, each as many hours old as is said. */
function records(...ages: number[]): StreamRecord[] {
  const now = 10 * 3600;
  return ages.map((age, index) => ({
    dynamodb: {
      ApproximateCreationDateTime: now - age * 3600,
      Keys: {},
      SequenceNumber: `${index + 1}`,
      SizeBytes: 1,
    },
  }));
}

const poison = (bad: string) => (numbers: readonly string[]) => {
  if (numbers.includes(bad)) throw new AwsError("Error", "poison");
  return {};
};

describe("delivery of a batch", () => {
  it("gives up what is too old, before and between tries", async () => {
    const world = new World();
    world.answer = poison("3");
    await world.deliver({ maximumRecordAgeInSeconds: 7200 }, records(3, 2.5, 1.999, 0));
    assert.deepEqual(world.letters[0], {
      numbers: ["1", "2"],
      condition: "RecordAgeExceeded",
      invocations: 0,
      failure: null,
    });
    // Tried until it is too old as well; then the last one, which it held up, works.
    assert.deepEqual(world.letters[1]?.numbers, ["3"]);
    assert.equal(world.letters[1]?.condition, "RecordAgeExceeded");
    assert.equal(world.letters[1]?.failure, "Unhandled");
    assert.deepEqual(world.invocations.at(-1), ["4"]);
    assert.deepEqual(world.done, ["1", "2", "3", "4"]);
  });

  it("tries again without end unless it is told otherwise, with growing pauses", async () => {
    const world = new World();
    const start = world.time;
    world.answer = () => {
      if (world.invocations.length === 12) world.isStopped = true;
      throw new Error("down");
    };
    await world.deliver({}, records(0, 0));
    assert.deepEqual([world.invocations.length, world.done, world.letters], [12, [], []]);
    assert.ok(world.time - start > 30_000);
  });

  it("halves in order, and halving costs no retry", async () => {
    const world = new World();
    world.answer = poison("2");
    await world.deliver({ bisectBatchOnFunctionError: true, maximumRetryAttempts: 1 }, records(0, 0, 0, 0));
    assert.deepEqual(world.invocations, [["1", "2", "3", "4"], ["1", "2"], ["1"], ["2"], ["2"], ["3", "4"]]);
    assert.deepEqual(world.done, ["1", "2", "3", "4"]);
    assert.deepEqual(world.letters, [
      { numbers: ["2"], condition: "RetryAttemptsExhausted", invocations: 2, failure: "Unhandled" },
    ]);
  });

  it("keeps a batch whole that is not to be halved", async () => {
    const world = new World();
    world.answer = poison("2");
    await world.deliver({ maximumRetryAttempts: 0 }, records(0, 0, 0));
    assert.deepEqual(world.invocations, [["1", "2", "3"]]);
    assert.deepEqual(world.letters[0]?.numbers, ["1", "2", "3"]);
  });

  it("goes on at the earliest record that is reported, if reports are asked for", async () => {
    const world = new World();
    const report = (...numbers: string[]) => ({
      batchItemFailures: numbers.map((itemIdentifier) => ({ itemIdentifier })),
    });
    world.answer = () => (world.invocations.length === 1 ? report("4", "3") : null);
    await world.deliver({ functionResponseTypes: ["ReportBatchItemFailures"] }, records(0, 0, 0, 0));
    assert.deepEqual(world.invocations, [
      ["1", "2", "3", "4"],
      ["3", "4"],
    ]);
    const deaf = new World();
    deaf.answer = () => report("1");
    await deaf.deliver({}, records(0, 0));
    assert.deepEqual([deaf.invocations.length, deaf.done], [1, ["1", "2"]]);
  });
});
