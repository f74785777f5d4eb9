import assert from "node:assert/strict";
import { parseRequest } from "../../../app/functions/gate/request.ts";

describe("gate request", () => {
  it("is taken as it is", () => {
    const request = { step: "drained", targetGroupArn: "arn:targets", keep: ["i-1"] };
    assert.deepEqual(parseRequest(request), request);
  });

  it("is refused with the reason when a part is missing", () => {
    assert.throws(() => parseRequest({ step: "moved", zoneId: "Z1" }), /does not understand .*"Z1".*[\s\S]*name/);
    assert.throws(() => parseRequest({ step: "open" }), /does not understand/);
  });
});
