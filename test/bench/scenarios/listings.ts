import { quantile } from '../../network/support/figures.ts'
import { inTurns } from '../in-turns.ts'
import { DISTRIBUTIONS } from '../scenario.ts'
import { repositoryAt, tagAt } from '../seed/shape.ts'
import type { Goal } from '../figures.ts'
import type { Scenario } from '../scenario.ts'
import type { Shape } from '../seed/shape.ts'

const ENTRIES = 10_000
const PAGE = 100
const GIB = 2 ** 30

const FIRST_PAGE: readonly Goal[] = [{ atMost: 10 }, { ratio: 5, than: DISTRIBUTIONS }]

interface Listing {
  readonly id: string
  readonly title: string
  shape(entries: number): Shape
  readonly path: string
  /** The entry after which a page begins. */
  entry(at: number): string
}

const LISTINGS: readonly Listing[] = [
  {
    id: 'tags',
    title: 'Tags of a repository that has 10,000',
    shape: (tags) => ({ repositories: 1, tags }),
    path: `/v2/${repositoryAt(0)}/tags/list`,
    entry: tagAt,
  },
  {
    id: 'catalog',
    title: 'Catalog of 10,000 repositories',
    shape: (repositories) => ({ repositories, tags: 1 }),
    path: '/v2/_catalog',
    entry: repositoryAt,
  },
]

function listing({ id, title, shape, path, entry }: Listing): Scenario {
  return {
    id,
    title,
    how: `Pages of ${PAGE}, asked for one after the other over one connection: the first, and the one after nine tenths.`,
    goals: { 'first page, p50': FIRST_PAGE },
    disk: () => 2 * GIB,
    async run(stage) {
      const entries = stage.quick ? 300 : ENTRIES
      const deep = encodeURIComponent(entry(Math.floor(entries * 0.9)))
      const paths = {
        'first page': `${path}?n=${PAGE}`,
        'deep page': `${path}?n=${PAGE}&last=${deep}`,
      }
      const ask = async (host: string, of: string, count: number) =>
        (
          await stage.load.ask({
            do: 'ask',
            host,
            method: 'GET',
            paths: [of],
            connections: 1,
            count,
          })
        ).each
      return inTurns(stage, {
        seed: shape(entries),
        async prepare({ running: { host } }) {
          for (const of of Object.values(paths)) await ask(host, of, 3)
        },
        async turn({ running: { host } }) {
          const samples = []
          for (const [name, of] of Object.entries(paths)) {
            const each = await ask(host, of, stage.quick ? 3 : 30)
            samples.push({ name: `${name}, p50`, unit: 'ms' as const, value: quantile(each, 0.5) })
          }
          return samples
        },
      })
    },
  }
}

export const LISTING_SCENARIOS: readonly Scenario[] = LISTINGS.map(listing)
