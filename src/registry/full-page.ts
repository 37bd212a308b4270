import type { Page } from './ports.ts'

/** A tree is walked as a whole for each page, however small; so where many are hidden, few large ones are asked for. */
export const ASK_AT_LEAST = 1000

/**
 * Asks on until the page is full, because what is hidden leaves gaps in what the mirror gives.
 *
 * @param least names to ask for at once, where a limit is set
 * @param ask gives what there is on a page, and what of it may be shown
 * @returns `undefined` when `ask` says that there is no such list
 */
export async function fullPage(
  { after, limit }: Page,
  least: number,
  ask: (which: Page) => Promise<{ batch: string[]; shown: string[] } | undefined>,
): Promise<string[] | undefined> {
  const kept: string[] = []
  const asked = limit && Math.max(limit, least)
  for (let from = after; ;) {
    const page = await ask({ after: from, limit: asked })
    if (page === undefined) return undefined
    kept.push(...page.shown)
    if (limit === undefined || asked === undefined) return kept
    if (page.batch.length < asked || kept.length >= limit) return kept.slice(0, limit)
    from = page.batch.at(-1)
  }
}
