import assert from "node:assert/strict";
import { steps } from "../../climb/steps.ts";

describe("steps of a climb", () => {
  const at = (recorded: number | undefined, configured = recorded) => ({ recorded, configured });

  it("begins a new stack at phase 1", () => {
    assert.deepEqual(steps(at(undefined), 3), [1, 2, 3]);
    assert.deepEqual(steps(at(undefined), 1), [1]);
  });

  it("begins again when even the first update was interrupted", () => {
    assert.deepEqual(steps(at(undefined, 1), 3), [1, 2, 3]);
  });

  it("confirms where the stack is, then goes on, up or down", () => {
    assert.deepEqual(steps(at(1), 3), [1, 2, 3]);
    assert.deepEqual(steps(at(3), 3), [3]);
    assert.deepEqual(steps(at(3), 1), [3, 2, 1]);
  });

  it("finishes an interrupted move that leads to the target", () => {
    assert.deepEqual(steps(at(1, 2), 3), [2, 3]);
    assert.deepEqual(steps(at(2, 3), 3), [3]);
    assert.deepEqual(steps(at(3, 2), 1), [2, 1]);
  });

  it("turns round where an interrupted move leads away from the target", () => {
    assert.deepEqual(steps(at(3, 2), 3), [3]);
    assert.deepEqual(steps(at(2, 3), 1), [2, 1]);
  });
});
