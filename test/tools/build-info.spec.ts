import assert from 'node:assert/strict'
import { isRightBuild, linkerFlags, parseBuildInfo, shortVersion } from './build-info.ts'
import { TOOLS } from './catalog.ts'
import type { ToolSource } from './catalog.ts'

const CRANE: ToolSource = { go: 'github.com/google/go-containerregistry/cmd/crane@v0.22.1' }

/** As `go version -m` writes it; its lines begin with a tab. */
const describeBuild = (path: string, module: string, ...settings: string[]): string =>
  [
    '/tools/crane: go1.26.8',
    `path\t${path}`,
    `mod\t${module}`,
    'dep\tgithub.com/spf13/cobra\tv1.10.2\th1:DMTTonx5m65Ic0GOoRY2c16WCbHxOOw6xxezuLaBpcU=',
    ...['-buildmode=exe', '-compiler=gc', ...settings, 'GOOS=linux'].map(
      (text) => `build\t${text}`,
    ),
  ].join('\n\t')

const crane = (version: string, ...settings: string[]): string =>
  describeBuild(
    'github.com/google/go-containerregistry/cmd/crane',
    `github.com/google/go-containerregistry\t${version}`,
    ...settings,
  )

const isRight = (text: string, source: ToolSource): boolean => {
  const info = parseBuildInfo(text)
  assert.ok(info !== undefined)
  return isRightBuild(info, source)
}

describe('the version of a Go program', () => {
  it('is that of its module', () => {
    assert.equal(isRight(crane('v0.22.1\th1:RZuuSYhTvlDvtsK+NkutoCZ//C0X2='), CRANE), true)
    assert.equal(isRight(crane('v0.22.0\th1:RZuuSYhTvlDvtsK+NkutoCZ//C0X2='), CRANE), false)
    assert.equal(isRight(crane('v0.22.10'), CRANE), false)
    assert.equal(isRight(crane('(devel)'), CRANE), false)
  })

  it('is not that of another program of the module', () => {
    const gcrane = crane('v0.22.1').replaceAll('cmd/crane', 'cmd/gcrane')
    assert.equal(isRight(gcrane, CRANE), false)
  })

  it('is not that of another module, whose path only begins alike', () => {
    const path = 'github.com/google/go-containerregistry/cmd/crane'
    assert.equal(isRight(describeBuild(path, 'github.com/google/go-cont\tv0.22.1'), CRANE), false)
  })

  it('is in our mark, where the program was built in a copy of its module', () => {
    const { go } = CRANE
    assert.equal(isRight(crane('(devel)', `-ldflags="-X heliport.tool=${go}"`), CRANE), true)
    assert.equal(isRight(crane('(devel)', `-ldflags="-X heliport.tool=${go}0"`), CRANE), false)
    assert.equal(isRight(crane('(devel)', `-ldflags="-X other.tool=${go}"`), CRANE), false)
  })

  it('is right only with the stamps of its makers', () => {
    const stamped = { ...CRANE, stamps: { 'main.Version': 'abc' } }
    assert.equal(isRight(crane('v0.22.1'), stamped), false)
    assert.equal(isRight(crane('v0.22.1', '-ldflags="-X main.Version=abcd"'), stamped), false)
    assert.equal(isRight(crane('v0.22.1', '-ldflags="-X main.Version=abc -s"'), stamped), true)
  })

  it('is in either, where its makers built it', () => {
    const theirs = { ...CRANE, stamps: { 'main.Version': 'abc' }, elsewhere: 'https://example.org' }
    assert.equal(isRight(crane('v0.22.1'), theirs), true)
    assert.equal(isRight(crane('(devel)', '-ldflags="-X main.Version=abc -s"'), theirs), true)
    assert.equal(isRight(crane('v0.22.0', '-ldflags="-X main.Version=abd"'), theirs), false)
    assert.equal(isRight(crane('(devel)'), { ...theirs, stamps: {} }), false)
  })

  it('is unknown of what is no Go program', () => {
    assert.equal(parseBuildInfo('/usr/bin/docker: could not read Go build info'), undefined)
    assert.equal(parseBuildInfo(''), undefined)
  })

  it('is recognised in every program of the catalog, built in a copy of its module', () => {
    for (const [name, tool] of Object.entries<ToolSource>(TOOLS)) {
      const { go, build } = tool
      if (go === undefined) continue
      const path = go.slice(0, go.indexOf('@'))
      const flags = linkerFlags(tool).replace(/^-ldflags=(.*)$/, '-ldflags="$1"')
      const text = describeBuild(
        build === 'test' ? `${path}.test` : path,
        `${path}\t(devel)`,
        flags,
      )
      const right = Object.entries<ToolSource>(TOOLS).filter(([, other]) => isRight(text, other))
      assert.deepEqual(
        right.map(([other]) => other),
        [name],
      )
    }
  })

  it('is shown short: of a commit its beginning', () => {
    assert.equal(shortVersion('example.org/a/b@v1.2.3'), 'v1.2.3')
    assert.equal(shortVersion('example.org/a@v0.0.0-20260716174315-967efdc079b9'), '967efdc079b9')
  })
})
