import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { sendJson } from './answer.ts'
import { noteForAudit } from './audit.ts'
import { errorBody, toRegistryError } from './errors.ts'
import { queryOf } from './params.ts'
import { writeChunk } from './pump.ts'
import { parsed, readRequest } from './request-words.ts'
import type { ApiContext, ApiLimits } from './context.ts'
import type { Control } from './control-face.ts'

const NOTHING = z.strictObject({})
const NAMED = z.strictObject({ name: z.string().min(1).max(255) })
const IMPORT = NAMED.extend({ key: z.base64(), replace: z.boolean().default(false) })
const ROOT = z.string().min(1).max(128)
const ROOTS = z.strictObject({ from: ROOT, to: ROOT })
const TRIED = z.strictObject({ dryRun: z.boolean().default(false) })
const COLLECT = TRIED.extend({ trustClock: z.boolean().default(false) })
const CHECK = z
  .strictObject({ repair: z.boolean().default(false), acceptLoss: z.boolean().default(false) })
  .refine(({ repair, acceptLoss }) => repair || !acceptLoss, 'acceptLoss needs repair')
const ROLLBACK = TRIED.extend({ root: ROOT })
const WHOLE = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number)
const LOG = z.strictObject({ limit: WHOLE.default(50), before: WHOLE.optional() })
/** Commits in one answer; each may have made many changes. */
const COMMITS_MAX = 1000
const DIRECTORY = z.strictObject({
  // What is relative is so to where the caller is, which only the caller knows.
  directory: z.string().max(4096).refine(isAbsolute, 'must be an absolute path'),
})

/**
 * Routes that change or reveal the node itself.
 *
 * @param how `asClient`: not for whoever runs the daemon, but for clients who administer it
 */
export function controlRoutes(control: Control, limits: ApiLimits, how: { asClient: boolean }) {
  return {
    listKeys: async (ctx: ApiContext): Promise<void> => {
      sendJson(ctx, { keys: await control.listKeys({ signal: ctx.state.signal }) })
    },

    exportKey: async (ctx: ApiContext): Promise<void> => {
      const { name } = await readRequest(ctx, NAMED, limits)
      noteForAudit(ctx, { key: name })
      const key = await control.exportKey(name, { signal: ctx.state.signal })
      ctx.set({ 'Content-Type': 'application/octet-stream', 'Cache-Control': 'no-store' })
      ctx.status = 200
      ctx.body = Buffer.from(key)
    },

    importKey: async (ctx: ApiContext): Promise<void> => {
      const { name, key, replace } = await readRequest(ctx, IMPORT, limits)
      noteForAudit(ctx, { key: name })
      const { signal } = ctx.state
      const bytes = Buffer.from(key, 'base64')
      sendJson(ctx, await control.importKey(name, bytes, { replace, signal }), { status: 201 })
    },

    takeOver: async (ctx: ApiContext): Promise<void> => {
      await readRequest(ctx, NOTHING, limits)
      sendJson(ctx, await control.takeOver({ signal: ctx.state.signal }))
    },

    log: async (ctx: ApiContext): Promise<void> => {
      const { limit, before } = parsed(LOG, Object.fromEntries(queryOf(ctx)))
      const page = { limit: Math.min(limit, COMMITS_MAX), before, signal: ctx.state.signal }
      sendJson(ctx, { commits: await control.commits(page) })
    },

    diff: async (ctx: ApiContext): Promise<void> => {
      const { from, to } = await readRequest(ctx, ROOTS, limits)
      const differences = control.diff(from, to, { signal: ctx.state.signal })
      await sendLines(ctx, differences, limits.sendStallMs)
    },

    collect: async (ctx: ApiContext): Promise<void> => {
      const { dryRun, trustClock } = await readRequest(ctx, COLLECT, limits)
      noteForAudit(ctx, { changes: !dryRun })
      const progress = control.collect({ dryRun, trustClock, signal: ctx.state.signal })
      await sendLines(ctx, progress, limits.sendStallMs)
    },

    check: async (ctx: ApiContext): Promise<void> => {
      const { repair, acceptLoss } = await readRequest(ctx, CHECK, limits)
      noteForAudit(ctx, { changes: repair })
      const progress = control.check({ repair, acceptLoss, signal: ctx.state.signal })
      await sendLines(ctx, progress, limits.sendStallMs)
    },

    rollback: async (ctx: ApiContext): Promise<void> => {
      const { root, dryRun } = await readRequest(ctx, ROLLBACK, limits)
      noteForAudit(ctx, { root, changes: !dryRun })
      const told = control.rollback(root, { dryRun, ...how, signal: ctx.state.signal })
      await sendLines(ctx, told, limits.sendStallMs)
    },

    exportTree: async (ctx: ApiContext): Promise<void> => {
      const { directory } = await readRequest(ctx, DIRECTORY, limits)
      const progress = control.exportTree(directory, { signal: ctx.state.signal })
      await sendLines(ctx, progress, limits.sendStallMs)
    },
  }
}

/**
 * Sends JSON values, one a line, as they come, and `{"done":true}` after the last, since a body without a length
 * can end early unnoticed. A failure before the first is an error answer; a later one is the
 * last line, `{"errors":[…]}`, since the status has gone by then.
 */
async function sendLines(
  ctx: ApiContext,
  values: AsyncIterable<object>,
  stallMs: number,
): Promise<void> {
  const { res, state } = ctx
  const write = (value: object): Promise<void> =>
    writeChunk(res, Buffer.from(`${JSON.stringify(value)}\n`), stallMs, state.signal)
  try {
    for await (const value of values) {
      if (!res.headersSent) startLines(ctx)
      await write(value)
    }
    if (!res.headersSent) startLines(ctx)
    await state.audit?.tell()
    await write({ done: true })
  } catch (error) {
    if (!res.headersSent || state.signal.aborted) throw error
    const known = toRegistryError(error, state.requestId)
    // What the caller got wrong is no fault for the log, also where he has gone meanwhile.
    if (known.status >= 500) state.error = error
    await write(errorBody(known))
  }
  res.end()
}

function startLines(ctx: ApiContext): void {
  ctx.respond = false
  ctx.status = 200
  ctx.set('Content-Type', 'application/x-ndjson')
  ctx.res.flushHeaders()
}
