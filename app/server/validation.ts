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

const id = z
  .string()
  .regex(/^\d{1,19}$/, "An id is a decimal number.")
  .refine((value) => /^\d{1,19}$/.test(value) && BigInt(value) <= largestId, "An id has 63 bits.")
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

const limit = z.coerce.number({ error: "limit is a whole number from 1 to 100." }).int().min(1).max(100);

const picture = z.object({
  id: z.string({ error: "Give the id of the upload." }).regex(uploadIdPattern, "An upload's id has 22 characters."),
  alt: ruled("A description is text.", normaliseText, altProblem).default(""),
});

export const schemas = {
  signUp: z.object({
    name,
    password: ruled("Give a password.", (text) => text, passwordProblem),
    displayName: ruled("A display name is text.", normaliseText, displayNameProblem).optional(),
  }),
  // No rules here: what could never be a password is simply wrong.
  logIn: z.object({
    name: z.string({ error: "Give your name." }).max(200),
    password: z.string({ error: "Give your password." }).max(1000),
  }),
  post: z
    .object({
      text: z.string({ error: "Give the post's text." }).transform(normaliseText),
      media: z.array(picture).max(picturesPerPost, `A post has at most ${picturesPerPost} pictures.`).default([]),
    })
    .superRefine(({ text, media }, context) => {
      const message = postProblem(text, media.length);
      if (message) context.addIssue({ code: "custom", path: ["text"], message });
    }),
  upload: z.object({
    type: z.string({ error: "Give the picture's content type." }).max(100),
    size: z.number({ error: "Give the picture's size in bytes." }).int().positive(),
  }),
  page: z.object({ before: id.optional(), limit: limit.default(20) }),
  search: z.object({ query: z.string().max(100).default(""), limit: limit.default(20) }),
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
  const { success, data, error } = schema.safeParse(input);
  if (success) return data;
  const fields: FieldProblems = {};
  for (const { path, message } of error.issues) fields[path.join(".") || "body"] ??= message;
  throw errors.invalid(fields);
}
