const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

/** Text as it may stand in HTML, SVG and XML, between tags and in quoted attributes. Characters that XML has not are shown as `?`. */
export function escapeXml(text: string): string {
  return (
    text
      .toWellFormed()
      // What XML 1.0 does not allow (2.2, Char).
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '?')
      .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
  )
}
