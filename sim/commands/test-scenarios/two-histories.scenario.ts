import { scenario } from '../../scenarios/scenario.ts'

export default scenario({
  title: 'Depends on the machine',
  topology: { name: 'nobody', nodes: [], links: [], payments: [] },
  worlds: ['virtual'],
  async run({ net }) {
    // What a world does must follow from its seed: this process's id does not.
    await net.sleep(process.pid)
  }
})
