import { isDeepStrictEqual } from 'node:util'
import { headerOf, jsonOf } from '../exchange.ts'
import { REPOSITORIES } from '../universe.ts'
import { says } from './entry.ts'
import { GET_INDEX, INDEX, PUSH } from './examples.ts'
import { REFERRERS } from './referrers.ts'
import type { Exchange } from '../exchange.ts'
import type { Tags } from '../step.ts'
import type { Intended } from './entry.ts'

/** Most names on a page. */
const MAX_PAGE = 1000

/** Whether the catalog holds the repositories that are not empty, in the order of their bytes. */
function listsRepositories({ step, names, world }: Exchange): boolean {
  if (step.do !== 'catalog' || names === undefined) return false
  const last = step.last === undefined ? '' : world.name(step.last)
  const all = REPOSITORIES.filter((each) => !world.isEmpty(each))
    .map((each) => world.name(each))
    .filter((name) => name > last)
    .toSorted()
  const n = Number(step.n ?? MAX_PAGE)
  const wanted = n === 0 ? { page: [], all: [] } : { page: all.slice(0, n), all }
  return isDeepStrictEqual(names.heliport, wanted)
}

function listsNoTags({ heliport, world }: Exchange, { repository }: Tags): boolean {
  return isDeepStrictEqual(jsonOf(heliport), { name: world.name(repository), tags: [] })
}

const repositories: Intended = {
  id: 'repositories',
  aspects: ['status', 'body', 'all pages', 'link'],
  when: (exchange) => {
    const { step, heliport, reference, world } = exchange
    if (step.do === 'catalog') return says(heliport, 200) && listsRepositories(exchange)
    if (step.do !== 'tags') return false
    if (world.isEmpty(step.repository))
      return says(heliport, 404, 'NAME_UNKNOWN') && says(reference, 200)
    return (
      says(heliport, 200) && listsNoTags(exchange, step) && says(reference, 404, 'NAME_UNKNOWN')
    )
  },
  difference:
    'Heliport has a repository as long as there is anything in it, and lists repositories in the order of their bytes. Distribution has it from the first manifest on for ever, has its tags from the first tag on, and sorts `a/b` before `a-b`.',
  reason:
    'A push can be seen when it begins, and what was deleted is gone; a repository without tags has an empty list of them. `_catalog` is Distribution’s own, and says only “sorted”.',
  source:
    'distribution-spec, “Listing Tags” (end-8a): 200 for a repository that is found, 404 otherwise',
  example: [
    ...PUSH,
    { do: 'catalog' },
    { do: 'tags', repository: 'a' },
    {
      do: 'blob',
      method: 'DELETE',
      repository: 'a',
      digest: { blob: 'layer', algorithm: 'sha256' },
    },
    INDEX,
    { ...GET_INDEX, method: 'DELETE' },
    { do: 'tags', repository: 'a' },
  ],
}

const pages: Intended = {
  id: 'pages',
  aspects: ['status', 'link'],
  when: ({ step, names, heliport, reference }) => {
    if (step.do !== 'tags' && step.do !== 'catalog') return false
    if (step.n === '') return says(heliport, 400, 'PAGINATION_NUMBER_INVALID')
    if (says(reference, 400, 'PAGINATION_NUMBER_INVALID'))
      return step.do === 'catalog' && Number(step.n) > MAX_PAGE && says(heliport, 200)
    if (names === undefined) return false
    const isLast = (side: 'heliport' | 'reference'): boolean =>
      names[side].page.length === names[side].all.length
    return (
      headerOf(heliport, 'link') === undefined &&
      headerOf(reference, 'link') !== undefined &&
      isLast('heliport') &&
      isLast('reference')
    )
  },
  difference:
    'Behind the last page Heliport has no `Link`; Distribution has one to an empty page when the last page is full. Of more than 1000 repositories Heliport gives 1000 and a `Link`, Distribution 400. An empty `n` is no number for Heliport (400).',
  reason: 'A `Link` is for when “additional tags are available”. A client gets what there is.',
  source: 'distribution-spec, “Listing Tags” (end-8b)',
  example: [INDEX, { do: 'tags', repository: 'a', n: '1' }, { do: 'catalog', n: '1001' }],
}

export const LISTS: readonly Intended[] = [REFERRERS, repositories, pages]
