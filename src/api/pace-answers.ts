import { addressKey } from '../oci/address-key.ts'
import { Pump } from './pump.ts'
import { NO_TURNS } from './turns.ts'
import type { ApiMiddleware } from './context.ts'

/** Answers up to here, in bytes, go at once: they are a few packets, as those that say that all is well. */
const SMALL_BYTES = 4 * 1024

/**
 * Sends what was made as a whole, a long list for instance, no faster than its client may get it. Content keeps its pace by
 * itself.
 *
 * @param limits.sendStallMs a reader that takes nothing for so many ms is cut off
 */
export function paceAnswers({ sendStallMs: stallMs }: { sendStallMs: number }): ApiMiddleware {
  return async (ctx, next) => {
    await next()
    const { allowance, client, signal } = ctx.state
    const body: unknown = ctx.body
    if (!Buffer.isBuffer(body) || body.length <= SMALL_BYTES || ctx.method === 'HEAD') return
    const pace = allowance?.downloads
    if (pace === undefined) return
    ctx.respond = false
    const pump = new Pump(ctx.res, () => once(body), {
      length: body.length,
      isAtOnce: true,
      stallMs,
      signal,
      turns: NO_TURNS,
      client: addressKey(client.address),
      pace,
      counter: (sent) => void (ctx.state.sent = sent),
    })
    await pump.run()
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
