import type { Mirror } from './mirror.ts'
import type { Notice } from './ports.ts'

/** What there is to say about the mirrors that one answer has to do with; for each mirror the weightiest only. */
export class Notices {
  readonly #notices = new Map<Mirror, Notice>()

  /** It has no root yet. */
  waiting(mirror: Mirror): void {
    this.#set(mirror, { mirror: mirror.name, kind: 'waiting' })
  }

  /** It could not be read, so the answer may lack something. */
  skipped(mirror: Mirror): void {
    this.#set(mirror, { mirror: mirror.name, kind: 'skipped' })
  }

  /** It has been stale for longer than it may be, so it was not asked. */
  outdated(mirror: Mirror, since: number): void {
    this.#set(mirror, { mirror: mirror.name, kind: 'outdated', since })
  }

  /** Something in the answer is from it: worth telling when its root may not be the newest. */
  used(mirror: Mirror): void {
    const notice = this.#notices.has(mirror) ? undefined : staleNotice(mirror)
    if (notice !== undefined) this.#set(mirror, notice)
  }

  about(mirror: Mirror): Notice | undefined {
    return this.#notices.get(mirror)
  }

  #set(mirror: Mirror, notice: Notice): void {
    this.#notices.set(mirror, notice)
  }
}

/** That a mirror may not be up to date, if so. */
export function staleNotice(mirror: Mirror): Notice | undefined {
  const since = mirror.staleSince()
  return since === undefined ? undefined : { mirror: mirror.name, kind: 'stale', since }
}
