import assert from 'node:assert/strict'
import { AllowedReader } from '../../src/registry/allowed.ts'
import { listRepositories } from '../../src/registry/listings.ts'
import { RepositorySet, tryParsePattern } from '../../src/oci/repository-pattern.ts'
import { pageOf } from '../../src/tree/sorted.ts'
import type { OverlayReader } from '../../src/registry/overlay-reader.ts'
import type { Page, RegistryReader, Rights } from '../../src/registry/ports.ts'

const NAMES = Array.from({ length: 25_000 }, (_, n) => `r${String(n).padStart(5, '0')}/app`)
const SEEN = ['r09999/app', 'r10000/mine', 'r24000/mine', 'r24999/mine']
const ALL = [...NAMES, ...SEEN.slice(1)].toSorted()

/** A registry of many names, which counts those it has given. */
function many() {
  const asked = { names: 0 }
  const repositories = async (page: Page = {}): Promise<string[]> => {
    const names = pageOf(ALL, page)
    asked.names += names.length
    return names
  }
  const reader = { source: 'own', notices: [], repositories } as unknown as OverlayReader
  return { asked, reader }
}

const VIEW = new RepositorySet([tryParsePattern('**/mine')!, tryParsePattern('r09999/app')!])
const BY = { view: VIEW } as unknown as Rights

describe('a page of what somebody may see', () => {
  it('costs no more than 10,000 names, and says where to go on', async () => {
    const { asked, reader } = many()
    const found: string[] = []
    let after: string | undefined
    for (let pages = 0; ; pages++) {
      assert.ok(pages < 10)
      asked.names = 0
      const page = await listRepositories(reader, { by: BY, limit: 100, after })
      assert.ok(asked.names <= 10_000, `${asked.names} names`)
      found.push(...page.names)
      assert.equal(page.more, false)
      if (page.stoppedAt === undefined) break
      after = page.stoppedAt
    }
    assert.deepEqual(found, SEEN)
  })

  it('is full, and goes on after its last name, where there is enough to see', async () => {
    const { reader } = many()
    const by = { view: new RepositorySet([tryParsePattern('*/app')!]) } as unknown as Rights
    const page = await listRepositories(reader, { by, limit: 3 })
    assert.deepEqual(page.names, NAMES.slice(0, 3))
    assert.deepEqual([page.more, page.stoppedAt], [true, undefined])
  })

  it('is no bound for the registry itself, which asks for all', async () => {
    const reader: RegistryReader = new AllowedReader(many().reader, VIEW)
    assert.deepEqual(await reader.repositories({ limit: 100 }), SEEN)
  })
})
