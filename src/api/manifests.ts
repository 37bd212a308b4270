import { RegistryError } from '../oci/errors.ts'
import { MANIFEST_MAX_BYTES } from '../oci/manifest.ts'
import { parseTag } from '../oci/name.ts'
import { sendEmpty } from './answer.ts'
import { noteForAudit } from './audit.ts'
import { readWhole } from './body.ts'
import { Budget } from './budget.ts'
import {
  conditionsOf,
  knownReferenceOf,
  mediaTypeOf,
  nameOf,
  queryOf,
  referenceOf,
} from './params.ts'
import { rightsOf } from './rights.ts'
import { sendContent } from './send.ts'
import { sendWarnings } from './warnings.ts'
import type { Reference, Tag } from '../oci/name.ts'
import type { ByteRange, RegistryService } from '../registry/ports.ts'
import type { ApiContext, ApiLimits, RouteContext } from './context.ts'

/** Tags one PUT may set (end-7b wants at least 10). */
const MAX_TAGS = 100

/** Bytes of tags on one line of headers. */
const MAX_LINE_BYTES = 4096

/** Manifests up to here are sent without asking whether there is memory for them: nearly all there are. */
const SMALL_BYTES = 64 * 1024

/** Routes below `/v2/<name>/manifests/<reference>`: distribution-spec end-3, end-7 and end-9. */
export function manifestRoutes(service: RegistryService, limits: ApiLimits) {
  const pushed = new Budget(limits.manifestBytes)
  // A manifest is verified before its first byte goes out, so it is held whole for as long as its reader takes.
  const pulled = new Budget(limits.manifestBytes)

  return {
    /** The stored type is sent whatever `Accept` says: conversion would change the digest. */
    get: async (ctx: RouteContext): Promise<void> => {
      const { signal } = ctx.state
      const manifest = await service.getManifest(nameOf(ctx), knownReferenceOf(ctx), { signal })
      const { digest, mediaType, bytes, notices } = manifest
      if (bytes.length > SMALL_BYTES) holdWhileSending(ctx, pulled, bytes.length)
      sendWarnings(ctx, notices)
      const sendable = {
        digest,
        mediaType,
        size: bytes.length,
        open: async function* (range: ByteRange | undefined) {
          yield range === undefined
            ? bytes
            : bytes.subarray(range.offset, range.offset + range.length)
        },
      }
      await sendContent(ctx, sendable, limits.sendStallMs)
    },

    put: async (ctx: RouteContext): Promise<void> => {
      const name = nameOf(ctx)
      const reference = referenceOf(ctx)
      const tags = tagsOf(ctx, reference)
      const conditions = conditionsOf(ctx)
      const share = pushed.open()
      try {
        const bytes = await readManifest(ctx, limits, share)
        const options = { tags, conditions, signal: ctx.state.signal, by: rightsOf(ctx) }
        const put = await service.putManifest(name, reference, bytes, mediaTypeOf(ctx), options)
        const { digest, subject } = put
        noteForAudit(ctx, { bytes: bytes.length, tags })
        sendEmpty(ctx, 201, {
          Location: `/v2/${name}/manifests/${digest}`,
          'Docker-Content-Digest': digest,
          ...(subject === undefined ? {} : { 'OCI-Subject': subject }),
        })
        if (tags.length > 0) ctx.set('OCI-Tag', tagLines(tags))
      } finally {
        share.release()
      }
    },

    remove: async (ctx: RouteContext): Promise<void> => {
      const options = { conditions: conditionsOf(ctx), signal: ctx.state.signal }
      await service.deleteManifest(nameOf(ctx), knownReferenceOf(ctx), options)
      sendEmpty(ctx, 202)
    },
  }
}

/** @throws RegistryError UNAVAILABLE when too many slow readers hold large manifests already */
function holdWhileSending({ res }: ApiContext, budget: Budget, bytes: number): void {
  const share = budget.open()
  share.reserve(bytes)
  if (res.closed) share.release()
  else res.once('close', () => share.release())
}

/** `PUT …/manifests/<digest>?tag=a&tag=b` (end-7b); beside a tag as reference the parameter means nothing. */
function tagsOf(ctx: ApiContext, reference: Reference): Tag[] {
  if (reference.kind === 'tag') return []
  const tags = new Set(queryOf(ctx).getAll('tag').map(parseTag))
  if (tags.size <= MAX_TAGS) return [...tags]
  throw new RegistryError('TAG_INVALID', {
    status: 414,
    message: `at most ${MAX_TAGS} tags can be set at once`,
  })
}

/**
 * The tags that were set, several on a line as in the spec's example: there are clients that take no more than 100 header
 * lines of an answer, and proxies that take none that is longer than 8 KiB.
 */
function tagLines(tags: readonly Tag[]): string[] {
  const lines: string[] = []
  for (const tag of tags) {
    const line = lines.at(-1)
    const longer = line === undefined ? tag : `${line}, ${tag}`
    if (line === undefined || longer.length > MAX_LINE_BYTES) lines.push(tag)
    else lines[lines.length - 1] = longer
  }
  return lines
}

function readManifest(
  ctx: ApiContext,
  { bodyIdleMs }: ApiLimits,
  { reserve }: { reserve: (bytes: number) => void },
): Promise<Uint8Array> {
  const tooLarge = (): Error =>
    new RegistryError('MANIFEST_INVALID', {
      status: 413,
      message: `a manifest has at most ${MANIFEST_MAX_BYTES} bytes`,
    })
  return readWhole(ctx.req, ctx.res, {
    idleMs: bodyIdleMs,
    limit: MANIFEST_MAX_BYTES,
    tooLarge,
    reserve,
    pace: ctx.state.allowance?.uploads,
    signal: ctx.state.signal,
  })
}
