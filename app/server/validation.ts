import type { Request } from "express";
import { z } from "zod";
import { errors, type FieldProblems } from "../domain/errors.ts";
import { namePattern, nameRule } from "../domain/names.ts";
import { altProblem, picturesPerPost } from "../domain/pictures.ts";
import { displayNameProblem, normaliseText, passwordProblem, postProblem } from "../domain/text.ts";
import { uploadIdPattern } from "../media/pictures.ts";
import type { Id, Once, PageRequest } from "../store/store.ts";
import { sha256 } from "./session.ts";

const largestId = 2n ** 63n - 1n;

const idRule = "before is the id of a post: one decimal number of at most 63 bits.";

const id = z
  .string({ error: idRule })
  .refine((value) => /^\d{1,19}$/.test(value) && BigInt(value) <= largestId, idRule)
  .transform((value) => String(BigInt(value)));

const name = z.string({ error: "Give a name." }).regex(namePattern, nameRule);

/** Text by a rule of the domain, kept as that rule normalises it. */
function ruled(missing: string, normalise: (text: string) => string, problem: (text: string) => string | undefined) {
  return z
    .string({ error: missing })
    .transform(normalise)
    .superRefine((value, context) => {
      const message = problem(value);
      if (message) context.addIssue({ code: "custom", message });
    });
}

const limitRule = "limit is a whole number from 1 to 100.";

/** Digits only: what else `Number` takes for a number (1e1, 0x10) is a mistake here. */
const limit = z
  .string({ error: limitRule })
  .regex(/^([1-9]\d?|100)$/, limitRule)
  .transform(Number);

const queryRule = "query is the start of a user's name: one text of at most 100 characters.";
const pictureRule = "A picture of a post is an object with the id of its upload and, if you like, an alt text.";
const mediaRule = `media is a list of at most ${picturesPerPost} pictures: a post has no more.`;
const sizeRule = "size is the picture's length in bytes: a whole number above 0.";

const picture = z.object(
  {
    id: z.string({ error: "Give the id of the upload." }).regex(uploadIdPattern, "An upload's id has 22 characters."),
    alt: ruled("A description is text.", normaliseText, altProblem).default(""),
  },
  { error: pictureRule },
);

export const schemas = {
  signUp: z.object({
    name,
    password: ruled("Give a password.", (text) => text, passwordProblem),
    displayName: ruled("A display name is text.", normaliseText, displayNameProblem).optional(),
  }),
  // No rules here: what could never be a password is simply wrong.
  logIn: z.object({
    name: z.string({ error: "Give your name." }).max(200, "A name has at most 200 characters here."),
    password: z.string({ error: "Give your password." }).max(1000, "A password has at most 1000 characters here."),
  }),
  post: z
    .object({
      text: z.string({ error: "Give the post's text." }).transform(normaliseText),
      media: z.array(picture, { error: mediaRule }).max(picturesPerPost, mediaRule).default([]),
    })
    .superRefine(({ text, media }, context) => {
      const message = postProblem(text, media.length);
      if (message) context.addIssue({ code: "custom", path: ["text"], message });
    }),
  upload: z.object({
    type: z.string({ error: "type is the picture's content type, such as image/png." }),
    size: z.number({ error: sizeRule }).int(sizeRule).positive(sizeRule),
  }),
  page: z.object({ before: id.optional(), limit: limit.default(20) }),
  search: z.object({
    query: z.string({ error: queryRule }).max(100, queryRule).default(""),
    limit: limit.default(20),
  }),
};

/** The request's JSON body by a schema. @throws AppError `invalid_input` with every problem */
export function body<T extends z.ZodType>(schema: T, request: Request): z.output<T> {
  return parse(schema, request.body ?? {});
}

/** The request's query by a schema. @throws AppError `invalid_input` with every problem */
export function query<T extends z.ZodType>(schema: T, request: Request): z.output<T> {
  return parse(schema, request.query);
}

export function page(request: Request): PageRequest {
  return query(schemas.page, request);
}

/** A post's id from the path. What cannot be an id is a post that does not exist. */
export function postId(request: Request): Id {
  const parsed = id.safeParse(request.params.id);
  if (!parsed.success) throw errors.noSuchPost();
  return parsed.data;
}

/** A user's name from the path. What cannot be a name is a user who does not exist. */
export function userName(request: Request): string {
  const given = String(request.params.name);
  if (!namePattern.test(given)) throw errors.noSuchUser(given.slice(0, 60));
  return given;
}

/** The request's idempotency key, if it has one, bound to what the request asks for. */
export function once(request: Request, ...asked: string[]): Once | undefined {
  const key = request.get("Idempotency-Key");
  if (key === undefined) return undefined;
  if (key.length < 1 || key.length > 64)
    throw errors.malformed(`An Idempotency-Key has 1 to 64 characters; this one has ${key.length}.`);
  return { key: sha256(key), fingerprint: sha256(...asked) };
}

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  // What has no words of its own: the wrong kind of value altogether. The library's own words are for programmers.
  const { success, data, error } = schema.safeParse(input, {
    error: ({ path = [] }) =>
      path.length === 0 ? "The request body is one JSON object." : `${path.join(".")} is not what this API takes.`,
  });
  if (success) return data;
  const fields: FieldProblems = {};
  for (const { path, message } of error.issues) fields[path.join(".") || "body"] ??= message;
  throw errors.invalid(fields);
}
