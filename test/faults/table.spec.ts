import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KINDS } from './kinds.ts'

const TESTS = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(TESTS, '../docs/reliability.md'), 'utf8')
const { scripts } = JSON.parse(readFileSync(join(TESTS, '../package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

interface Row {
  readonly id: string
  readonly fault: string
  readonly expected: string
  /** Everything in backticks. */
  readonly proofs: readonly string[]
  readonly text: string
}

/** The rows of the table of faults. */
const ROWS: readonly Row[] = PAGE.split('\n').flatMap((line) => {
  const [, id = '', fault = '', expected = '', text = ''] = line
    .split('|')
    .map((cell) => cell.trim())
  if (!/^F\d\d$/.test(id)) return []
  const proofs = [...text.matchAll(/`([^`]+)`/g)].map(([, proof = '']) => proof)
  return [{ id, fault, expected, proofs, text }]
})

/** Why a proof is none; `undefined` when it is there. */
function whyMissing(proof: string): string | undefined {
  const [, script, kind] = /^npm run (\S+)(?: -- (\S+))?$/.exec(proof) ?? []
  if (script === undefined)
    return existsSync(join(TESTS, proof)) ? undefined : `there is no test/${proof}`
  if (!Object.hasOwn(scripts, script)) return `there is no npm run ${script}`
  if (script !== 'faults' || Object.hasOwn(KINDS, kind ?? '')) return undefined
  return `npm run faults knows no ${kind}`
}

describe('the table of all faults in docs/reliability.md', () => {
  it('has F01 to F20, each once and in order, with what is expected', () => {
    const ids = Array.from({ length: 20 }, (_, n) => `F${String(n + 1).padStart(2, '0')}`)
    assert.deepEqual(
      ROWS.map(({ id }) => id),
      ids,
    )
    for (const { id, fault, expected } of ROWS)
      assert.ok(fault !== '' && expected !== '', `${id} does not say what is expected`)
  })

  it('names what shows each of them, or says that nothing does', () => {
    for (const { id, proofs, text } of ROWS)
      assert.ok(proofs.length > 0 || text.startsWith('no test: '), `${id}: ${text}`)
  })

  it('names only specs and commands that there are', () => {
    const missing = ROWS.flatMap(({ id, proofs }) =>
      proofs.flatMap((proof) => {
        // A word of HTTP or of the disk is no proof.
        if (!/\.spec\.ts$|^npm run /.test(proof)) return []
        const why = whyMissing(proof)
        return why === undefined ? [] : [`${id}: ${why}`]
      }),
    )
    assert.deepEqual(missing, [])
  })

  it('is not taken in by one that there is not', () => {
    assert.match(whyMissing('faults/no-such.spec.ts') ?? '', /there is no test\//)
    assert.match(whyMissing('npm run no-such') ?? '', /there is no npm run/)
    assert.match(whyMissing('npm run faults -- flood') ?? '', /knows no flood/)
    assert.equal(whyMissing('npm run faults -- kill'), undefined)
  })
})
