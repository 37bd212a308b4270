import assert from 'node:assert/strict'
import fc from 'fast-check'
import { repositoriesOf } from '../../src/tree/repository-walk.ts'
import type { Path } from '../../src/tree/layout.ts'
import type { TreeView } from '../../src/tree/view.ts'

/** A directory of repositories, each with a branch of its own; counts the directories that are looked into. */
class Repositories implements TreeView {
  looked = 0
  readonly #names: readonly string[]

  constructor(names: readonly string[]) {
    this.#names = names.flatMap((name) => [`${name}/_manifests`, `${name}/_uploads`])
  }

  file(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  names(path: Path): Promise<string[] | undefined> {
    this.looked++
    const prefix = path.map((segment) => `${segment}/`).join('')
    const inside = this.#names.filter((name) => name.startsWith(prefix))
    const entries = inside.map((name) => name.slice(prefix.length).split('/')[0] ?? '')
    return Promise.resolve(entries.length === 0 ? undefined : [...new Set(entries)].sort())
  }

  below(path: Path): Promise<TreeView> {
    return Promise.resolve({
      file: () => this.file(),
      names: (rest) => this.names([...path, ...rest]),
      below: (rest) => this.below([...path, ...rest]),
    })
  }
}

/** Few letters, so that names are often the beginnings of others; `-` and `.` come before the slash, digits behind it. */
const segment = fc.stringMatching(/^[ab0]([-.]?[ab0]){0,2}$/)
const name = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'))

describe('repositories of a tree', () => {
  it('are listed in the order of their whole names, from any place on', async () => {
    const property = fc.asyncProperty(
      fc.uniqueArray(name, { maxLength: 30 }),
      fc.option(name, { nil: undefined }),
      async (names, after) => {
        const found = await Array.fromAsync(repositoriesOf(new Repositories(names), after))
        const expected = [...names].sort().filter((each) => after === undefined || each > after)
        assert.deepEqual(found, expected)
      },
    )
    await fc.assert(property, { numRuns: 500 })
  })

  it('cost what is on the page, not what is in the registry', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `team-${i % 10}/app${i}`)
    const view = new Repositories(names)
    const walk = repositoriesOf(view, 'team-5/app505')
    for (let i = 0; i < 10; i++) await walk.next()
    await walk.return(undefined)
    assert.ok(view.looked < 40, `${view.looked} directories were looked into`)
  })

  it('stop when the signal says so', async () => {
    const walk = repositoriesOf(new Repositories(['a', 'b']), undefined, {
      signal: AbortSignal.abort(new Error('enough')),
    })
    await assert.rejects(walk.next(), /enough/)
  })
})
