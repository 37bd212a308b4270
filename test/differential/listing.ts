import { jsonOf, nextPage } from './exchange.ts'
import type { ListedNames } from './exchange.ts'
import type { Catalog, Tags } from './step.ts'
import type { Answer, Sender } from './wire.ts'
import type { World } from './world.ts'

/** As many pages are followed; what a sequence makes fits into fewer. */
const MAX_PAGES = 30

/** The names of a listing: those of its first page, and all, by following the `Link` of each page. */
export async function namesOf(
  step: Tags | Catalog,
  first: Answer,
  wire: Sender,
  world: World,
): Promise<ListedNames> {
  const own = (answer: Answer): string[] => namesIn(step, answer, world)
  const page = own(first)
  const all = [...page]
  let next = nextPage(first)
  for (let pages = 1; next !== undefined; pages++) {
    if (pages === MAX_PAGES) throw new Error(`${next}: the pages have no end`)
    const { pathname, search } = new URL(next, 'http://registry')
    const answer = await wire.send({ method: 'GET', path: pathname + search, headers: {} })
    if (answer.status !== 200) throw new Error(`${next}: ${answer.status}`)
    all.push(...own(answer))
    next = nextPage(answer)
  }
  return { page, all }
}

function namesIn(step: Tags | Catalog, answer: Answer, world: World): string[] {
  const { tags, repositories } = jsonOf(answer) as { tags?: string[]; repositories?: string[] }
  if (step.do === 'tags') return tags ?? []
  return (repositories ?? []).filter((name) => name.startsWith(`${world.prefix}/`))
}
