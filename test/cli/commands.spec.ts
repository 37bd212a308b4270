import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { heliport, scratch } from './support.ts'

describe('the command line', () => {
  it('shows its commands', async () => {
    for (const argv of [['help'], ['--help'], ['-h']]) {
      const { code, stdout, stderr } = await heliport(argv)
      assert.deepEqual([code, stderr], [0, ''], argv.join(' '))
      for (const command of [
        'serve',
        'status',
        'key show',
        'key export',
        'key import',
        'key takeover',
        'swarm key',
        'export DIR',
        'version',
      ]) {
        assert.match(stdout, new RegExp(`heliport ${command}`))
      }
    }
  })

  it('tells its version', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    for (const argv of [['version'], ['--version'], ['-v']]) {
      assert.deepEqual(await heliport(argv), { code: 0, stdout: `${version}\n`, stderr: '' })
    }
  })

  const wrong: [string[], RegExp][] = [
    [[], /no command/],
    [['launch'], /"launch" is no command/],
    [['__proto__'], /is no command/],
    [['serve', '--frobnicate'], /'--frobnicate'/],
    [['serve', 'a.yaml', 'b.yaml'], /does not know what to do with "b.yaml"/],
    [['serve', 'a.yaml', '--config', 'b.yaml'], /named twice/],
    [['serve', '--json'], /serve has no option --json/],
    [['status', 'now'], /does not know what to do with "now"/],
    [['status', '--config'], /'--config/],
    [['status', '--json=yes'], /'--json'/],
    [['key'], /key show, key export, key import or key takeover/],
    [['key', 'burn'], /key show, key export, key import or key takeover/],
    [['key', 'export'], /key export lacks NAME: write heliport key export NAME -o FILE;/],
    [['key', 'export', 'registry'], /needs -o FILE/],
    [['key', 'import', 'registry'], /key import lacks FILE: /],
    [['key', 'show', '--replace'], /key show has no option --replace/],
    [['swarm'], /write heliport swarm key/],
    [['swarm', 'key', 'mine'], /swarm key does not know what to do with "mine"/],
    [['swarm', 'key', '--replace'], /swarm key has no option --replace/],
    [['export'], /heliport export lacks DIR: write heliport export DIR;/],
    [['diff'], /lacks FROM and TO: /],
    [['diff', '1'], /lacks TO: write heliport diff FROM TO \[--json\];/],
    [['rollback'], /lacks ROOT: /],
    [['user', 'add'], /user add lacks NAME: /],
    [['launch', '--help'], /"launch" is no command/],
    [['version', 'now'], /does not know what to do with "now"/],
    [['export', 'a', 'b'], /"b"/],
  ]
  for (const [argv, complaint] of wrong) {
    it(`refuses "heliport ${argv.join(' ')}" in one line, with exit code 2`, async () => {
      const { code, stdout, stderr } = await heliport(argv)
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.match(stderr, complaint)
      // Once, and the help of the command that it is about.
      assert.match(stderr, /^heliport: [^\n]*; see heliport (help|[a-z ]+ --help)\n$/)
      assert.equal(stderr.split('see heliport').length, 2)
    })
  }

  it('explains a wrong configuration line by line, with exit code 78, whatever the command', async () => {
    await using directory = await scratch()
    await writeFile(join(directory.path, 'c.yaml'), 'htpp: 1\nlog: { level: loud }\n')
    for (const argv of [
      ['serve', 'c.yaml'],
      ['status', '--config', 'c.yaml'],
      ['key', 'show', '--config', 'c.yaml'],
    ]) {
      const { code, stderr } = await heliport(argv, { cwd: directory.path })
      assert.equal(code, 78)
      const lines = stderr.trimEnd().split('\n')
      assert.equal(lines.length, 2)
      assert.match(lines[0] ?? '', /^heliport: c\.yaml:1:1 htpp: is not an option/)
      assert.match(lines[1] ?? '', /^heliport: c\.yaml:2:15 log\.level: must be/)
    }
  })
})
