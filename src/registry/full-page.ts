import type { Page } from './ports.ts'

/** A tree is walked as a whole for each page, however small; so where many are hidden, few large ones are asked for. */
export const ASK_AT_LEAST = 1000

/** What was found for a page. */
export interface Found {
  readonly names: string[]
  /** The last name that was looked at, when it was given up before the page was full and the list at its end. */
  readonly stoppedAt?: string | undefined
}

type Ask = (which: Page) => Promise<{ batch: string[]; shown: string[] } | undefined>

/**
 * Asks on until the page is full, because what is hidden leaves gaps in what the mirror gives.
 *
 * @param least names to ask for at once, where a limit is set
 * @param ask gives what there is on a page, and what of it may be shown
 * @returns `undefined` when `ask` says that there is no such list
 */
export async function fullPage(page: Page, least: number, ask: Ask): Promise<string[] | undefined> {
  return (await boundedPage(page, { least, most: Infinity }, ask))?.names
}

/**
 * The same, for as long as there is something to be had for the work.
 *
 * @param bounds `most`: how often it is asked
 */
export async function boundedPage(
  { after, limit }: Page,
  { least, most }: { least: number; most: number },
  ask: Ask,
): Promise<Found | undefined> {
  const names: string[] = []
  const asked = limit && Math.max(limit, least)
  for (let [from, times] = [after, 1]; ; times++) {
    const page = await ask({ after: from, limit: asked })
    if (page === undefined) return undefined
    names.push(...page.shown)
    if (limit === undefined || asked === undefined) return { names }
    if (page.batch.length < asked || names.length >= limit) return { names: names.slice(0, limit) }
    from = page.batch.at(-1)
    if (times >= most) return { names, stoppedAt: from }
  }
}
