import { setImmediate } from 'node:timers/promises'
import { tryParseName } from '../oci/name.ts'
import { REPOSITORY_BRANCHES, isBranch } from './layout.ts'
import { isIn, positionOf } from './sorted.ts'
import type { BlockOptions } from '../blocks/block-store.ts'
import type { RepositoryPage } from '../registry/ports.ts'
import type { TreeView } from './view.ts'

/** Names that are looked at before others have their turn. */
const NAMES_IN_A_ROW = 2000

/** Where a walk is. */
interface Place {
  /** The directory of repositories, or of one repository. */
  readonly view: TreeView
  /** What its entries' names begin with: empty, or a repository's name and a slash. */
  readonly prefix: string
}

/** How the walk goes. */
type Options = BlockOptions & Pick<RepositoryPage, 'within'>

/**
 * Repositories in the ASCII order of their whole names, as they are asked for: a page costs what is on it, however many
 * there are.
 *
 * Whole names are not in the order of their segments: `a-b` comes before `a/b`, though `a` comes before `a-b`. So what is
 * below a repository waits until the walk comes to a name that is behind it.
 *
 * @param view the directory of all repositories
 * @param after only names after this one; what is before it is not looked at
 */
export async function* repositoriesOf(
  view: TreeView,
  after: string = '',
  options: Options = {},
): AsyncGenerator<string> {
  yield* walk({ view, prefix: '' }, after, options)
}

async function* walk(place: Place, after: string, options: Options): AsyncGenerator<string> {
  const { view, prefix } = place
  const names = (await view.names([], options)) ?? []
  // All names here have the prefix, so what has to be after `after` is only the rest, or everything, or nothing.
  const rest = after.startsWith(prefix) ? after.slice(prefix.length) : ''
  // Entries before `rest` themselves, but with more below them that is not: they are beginnings of it.
  const waiting = beginningsOf(rest).filter(
    (entry) => isIn(names, entry) && mayHold(prefix + entry, options),
  )
  let seen = 0
  for (const entry of names.slice(positionOf(names, rest))) {
    // What is not wanted is passed over without a wait, and there may be a million of it.
    if (++seen % NAMES_IN_A_ROW === 0) await setImmediate()
    options.signal?.throwIfAborted()
    while (waiting.length > 0 && `${waiting.at(-1)}/` < entry)
      yield* below(place, waiting.pop() ?? '', after, options)
    if (isBranch(entry) || tryParseName(prefix + entry) === undefined) continue
    if (!mayHold(prefix + entry, options)) continue
    if (prefix + entry > after && (await isRepository(view, entry, options))) yield prefix + entry
    waiting.push(entry)
  }
  while (waiting.length > 0) yield* below(place, waiting.pop() ?? '', after, options)
}

/** Whether it is worth while to look there: what is not wanted may not even be here. */
function mayHold(name: string, { within }: Options): boolean {
  return within === undefined || within(name.split('/'))
}

async function* below(
  { view, prefix }: Place,
  entry: string,
  after: string,
  options: Options,
): AsyncGenerator<string> {
  const names = (await view.names([entry], options)) ?? []
  if (names.every(isBranch)) return
  const place = { view: await view.below([entry], options), prefix: `${prefix}${entry}/` }
  yield* walk(place, after, options)
}

async function isRepository(
  view: TreeView,
  entry: string,
  options: BlockOptions,
): Promise<boolean> {
  const names = (await view.names([entry], options)) ?? []
  return REPOSITORY_BRANCHES.some((branch) => isIn(names, branch))
}

/**
 * The entries before a text below which there may still be names behind it, the nearest last: for `team-a/app` these are
 * `team` and `team-a`, since `team/x` comes after it too.
 */
function beginningsOf(text: string): string[] {
  const [first = ''] = text.split('/')
  const beginnings = Array.from({ length: first.length }, (_, i) => first.slice(0, i + 1))
  return beginnings.filter(
    (entry) => entry !== text && (text.startsWith(`${entry}/`) || `${entry}/` > text),
  )
}
