import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '../support/temporary.ts'
import { buildTool } from './build.ts'
import type { Build } from './build.ts'

const GO = 'example.org/some/tool/cmd/tool@v1.2.3'

/** What `go install` does with the arguments it gets. */
const INSTALLS = 'echo installed "$@" > "$GOBIN/tool"'
/** As a proxy without the module's list of versions. */
const CANNOT_INSTALL = 'echo "go: reading list: 403 Forbidden" >&2; exit 1'

describe('building a tool', () => {
  let scratch: AsyncDisposable & { path: string }
  let before: string | undefined

  beforeEach(async () => {
    scratch = await temporaryDirectory()
    before = process.env['HELIPORT_TOOLS']
    process.env['HELIPORT_TOOLS'] = join(scratch.path, 'tools')
  })

  afterEach(async () => {
    if (before === undefined) delete process.env['HELIPORT_TOOLS']
    else process.env['HELIPORT_TOOLS'] = before
    await chmod(join(scratch.path, 'cache/cmd/tool'), 0o755) // else only root could remove it
    await scratch[Symbol.asyncDispose]()
  })

  /** A stand-in for Go, and a module cache with one module, which can be read only. */
  const build = async (install: string, changes: Partial<Build['source']> = {}): Promise<Build> => {
    const cache = join(scratch.path, 'cache')
    await mkdir(join(cache, 'cmd/tool'), { recursive: true })
    await writeFile(join(cache, 'cmd/tool/main.go'), 'the source')
    await chmod(join(cache, 'cmd/tool'), 0o555)
    const go = join(scratch.path, 'go')
    const script = `#!/bin/sh
case "$1" in
install) ${install} ;;
mod) [ "$4" = example.org/some/tool@v1.2.3 ] && echo '{"Dir": "${cache}"}' ;;
build|test)
  while [ "$1" != -o ]; do echo "$1" >> new-file; shift; done
  cat "$3/main.go" new-file > "$2" ;;
esac`
    await writeFile(go, script, { mode: 0o755 })
    const source = { go: GO, ...changes } as const
    const signal = AbortSignal.timeout(10_000)
    return { name: 'tool', source, go, signal }
  }
  const built = (): Promise<string> => readFile(join(scratch.path, 'tools/tool'), 'utf8')

  it('is done by go install', async () => {
    await buildTool(await build(INSTALLS))
    assert.equal(await built(), `installed install -ldflags=-X heliport.tool=${GO} ${GO}\n`)
  })

  it('is done in a copy of the module, where go install cannot', async () => {
    await buildTool(await build(CANNOT_INSTALL))
    const lines = (await built()).split('\n')
    assert.equal(lines[0], `the sourcebuild`)
    assert.ok(lines.includes(`-ldflags=-X heliport.tool=${GO}`))
    assert.ok(lines.includes('-buildvcs=false'))
  })

  it('is go test for a program of tests', async () => {
    await buildTool(await build(INSTALLS, { build: 'test' }))
    assert.deepEqual((await built()).split('\n').slice(0, 2), ['the sourcetest', '-c'])
  })

  it('leaves what is there as it is when it fails, and nothing half done', async () => {
    await buildTool(await build(INSTALLS))
    const cannot = await build(CANNOT_INSTALL, { go: 'example.org/some/tool/cmd/tool@v1.2.4' })
    await assert.rejects(buildTool(cannot), /go mod download -json example.org\/some\/tool@v1.2.4/)
    assert.deepEqual(await readdir(join(scratch.path, 'tools')), ['tool'])
    assert.match(await built(), /v1\.2\.3/)
  })

  it('is not tried in a second way after it was stopped', async () => {
    const stopped = { ...(await build(INSTALLS)), signal: AbortSignal.abort(new Error('enough')) }
    await assert.rejects(buildTool(stopped), /enough/)
    assert.deepEqual(await readdir(join(scratch.path, 'tools')), [])
  })
})
