import type { Schemas } from "@sbs/api-admin";

export type ProblemBody = Schemas["Problem"];

/** What the API answered instead of what was asked for. Texts are in the reader's language. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  constructor(
    readonly status: number,
    readonly body: ProblemBody,
  ) {
    super(body.detail);
  }

  /** The message of the field at `pointer`, such as "/name". */
  field(pointer: string): string | undefined {
    const found = (this.body.errors ?? []).filter((entry) => matches(entry.pointer, pointer));
    if (found.length === 0) return undefined;
    return found.map((entry) => [entry.message, entry.hint].filter(Boolean).join(" ")).join(" ");
  }

  /** Whether a field of those named is what it is about. */
  isAbout(pointers: readonly string[]): boolean {
    return pointers.some((pointer) => this.field(pointer) !== undefined);
  }
}

/** The server could not be reached, or gave no answer that we understand. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** A problem of "/sources/0" is also one of "/sources". */
function matches(found: string, wanted: string): boolean {
  return found === wanted || found.startsWith(`${wanted}/`);
}

export function isProblem(error: unknown, status?: number): error is ApiProblem {
  return error instanceof ApiProblem && (status === undefined || error.status === status);
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What the API answered; throws ApiProblem or Unreachable. */
export async function answer<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data } = await fullAnswer(asked);
  return data;
}

/** As `answer`, with the version tag that an edit has to name. */
export async function fullAnswer<T>(asked: Promise<Answer<T>>): Promise<{ data: T; etag: string | null }> {
  const { data, error, response } = await asked.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Unreachable("no answer", { cause });
  });
  if (!response.ok) {
    if (isProblemBody(error)) throw new ApiProblem(response.status, error);
    throw new Unreachable(`status ${response.status}`);
  }
  return { data: data as T, etag: response.headers.get("etag") };
}

function isProblemBody(value: unknown): value is ProblemBody {
  return typeof value === "object" && value !== null && "detail" in value && "code" in value;
}
