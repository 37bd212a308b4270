import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { FORMS, synopsis } from '../../src/cli/commands.ts'
import { heliport } from './support.ts'

describe('heliport COMMAND --help', () => {
  for (const form of FORMS) {
    it(`tells of ${form.name} its usage, options, an example and its exit codes`, async () => {
      const { code, stdout, stderr } = await heliport([...form.name.split(' '), '--help'])
      assert.deepEqual([code, stderr], [0, ''])
      if (form.name === 'help') return // that is the help of everything
      assert.ok(stdout.startsWith(`usage: ${synopsis(form)}\n`), stdout)
      for (const option of form.options)
        assert.match(stdout, new RegExp(`^  .*--${option}\\b`, 'm'))
      assert.ok(stdout.includes(`\nexample:\n  ${form.example}\n`))
      assert.match(stdout, /\nexit codes:\n {2}0 .*\n(.*\n)*? {2}2 {3}the command line is wrong\n/)
      const asked = await heliport(['help', ...form.name.split(' ')])
      assert.equal(asked.stdout, stdout)
    })
  }

  it('has an example of each that is no mistake', async () => {
    for (const { name, example } of FORMS) {
      const argv = example.split(' ').slice(1)
      assert.equal(argv.slice(0, name.split(' ').length).join(' '), name)
      // It gets as far as its work, for which there is nothing here.
      const { code, stderr } = await heliport(argv).catch(() => ({ code: 70, stderr: '' }))
      assert.notEqual(code, 2, `${example}: ${stderr}`)
    }
  })

  it('shows all commands of one name together', async () => {
    const { stdout } = await heliport(['key', '--help'])
    assert.deepEqual(
      [...stdout.matchAll(/^usage: heliport (key \w+)/gm)].map(([, name]) => name),
      ['key show', 'key export', 'key import', 'key takeover'],
    )
  })

  it('says that 1 of fsck is damage, and 69 that nothing is known', async () => {
    const { stdout } = await heliport(['fsck', '--help'])
    assert.match(stdout, /^ {2}1 {3}something is damaged$/m)
    assert.match(stdout, /^ {2}69 {2}it could not be checked/m)
  })
})

describe('README.md', () => {
  it('has the commands as heliport help shows them', async () => {
    const { stdout } = await heliport(['help'])
    const shown = /\nusage:\n([\s\S]*?)\n\noptions:/.exec(stdout)?.[1]?.replaceAll(/^ {2}/gm, '')
    const page = await readFile('README.md', 'utf8')
    const written = /\n## Commands\n\n```\n([\s\S]*?)\n```/.exec(page)?.[1]
    assert.equal(written, shown)
  })

  it('leads to every page', async () => {
    const page = await readFile('README.md', 'utf8')
    const more = page.slice(page.indexOf('\n## More\n'))
    const pages = (await readdir('docs')).filter((name) => name.endsWith('.md'))
    assert.ok(pages.length > 10)
    assert.deepEqual(
      pages.filter((name) => !more.includes(`(docs/${name})`)),
      [],
    )
  })
})
