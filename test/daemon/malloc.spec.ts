import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const MODULE = join(import.meta.dirname, '../../src/daemon/malloc.ts')

/** 90 MiB in small pieces, of which each thousandth lives on; prints how many MiB are given back. */
const BURST = `
  const { trimmer } = await import(${JSON.stringify(MODULE)})
  const trim = trimmer()
  let all = Array.from({ length: 300_000 }, () => Buffer.allocUnsafeSlow(300))
  globalThis.kept = all.filter((_, n) => n % 1000 === 0)
  all = undefined
  // What the first leaves to finalizers, the second collects.
  for (const _ of [1, 2]) {
    gc()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const before = process.memoryUsage.rss()
  trim()
  console.log(Math.round((before - process.memoryUsage.rss()) / 2 ** 20))`

const isGlibc =
  process.platform === 'linux' &&
  'glibcVersionRuntime' in (process.report.getReport() as { header: object }).header

describe('malloc', () => {
  it('gives back what is free between what is in use', function () {
    if (!isGlibc) return this.skip() // only glibc has malloc_trim
    const args = ['--expose-gc', '--input-type=module', '--eval', BURST]
    const printed = execFileSync(process.execPath, args, { encoding: 'utf8' })
    assert.ok(Number(printed) > 40, `${printed.trim()} MiB were given back`)
  })
})
