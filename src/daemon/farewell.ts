import type { Logger } from 'pino'

/** What a daemon that is to stop is doing. */
export interface UnderWay {
  /** Requests that are being answered. */
  readonly requests: number
  /** How far a collection is; `undefined`: none runs. */
  readonly collection: string | undefined
  /** Whether `heliport fsck` runs. */
  readonly check: boolean
  /** Whether the newest state is not published yet; it will be after the next start. */
  readonly publishing: boolean
}

/** Says that the daemon stops, why, and what is under way; what it returns says that it has stopped. */
export function sayGoodbye(
  log: Logger,
  { signal, underWay }: { signal: AbortSignal; underWay: UnderWay },
): () => void {
  const began = performance.now()
  const reason = reasonOf(signal)
  log.info({ reason, ...underWay }, `stopping (${reason}); under way: ${listed(underWay)}`)
  return () => {
    log.info({ reason, ms: Math.round(performance.now() - began) }, 'stopped')
  }
}

function reasonOf({ aborted, reason }: AbortSignal): string {
  if (!aborted) return 'nobody needs it any more'
  return reason instanceof Error ? reason.message : String(reason)
}

function listed({ requests, collection, check, publishing }: UnderWay): string {
  const all = [
    ...(requests === 0 ? [] : [`${requests} request${requests === 1 ? '' : 's'}`]),
    ...(collection === undefined ? [] : [`a collection (${collection})`]),
    ...(check ? ['a check'] : []),
    ...(publishing ? ['publishing, which goes on after the next start'] : []),
  ]
  return all.length === 0 ? 'nothing' : all.join(', ')
}
