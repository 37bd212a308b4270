import type { ApiContext } from './context.ts'

/**
 * Answers with JSON. Bytes and an exact Content-Type, because Koa adds `charset=utf-8` to objects and strings and
 * go-containerregistry and oras compare the type as a whole.
 */
export function sendJson(
  ctx: ApiContext,
  value: unknown,
  { status = 200, type = 'application/json' }: { status?: number; type?: string } = {},
): void {
  ctx.set('Content-Type', type)
  ctx.status = status
  ctx.body = Buffer.from(JSON.stringify(value))
}

/** Answers without a body. */
export function sendEmpty(
  ctx: ApiContext,
  status: number,
  headers: Record<string, string> = {},
): void {
  // The order matters: an explicit null makes Koa send no text of its own, but also sets 204.
  ctx.body = null
  ctx.status = status
  ctx.set(headers)
}
