/** Says when something was read: "сегодня в 14:05". */

/** Returns the words for a time of the last two days, in a language and a time zone. */
export function readAtWords(time, language, zone) {
  const format = (options) => new Intl.DateTimeFormat(language, { timeZone: zone, ...options });
  const day = (date) => format({ dateStyle: "short" }).format(date);
  const days = day(time) === day(Date.now()) ? 0 : -1;
  const word = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
  const clock = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(time);
  return `${word} ${language === "ru" ? "в" : "at"} ${clock}`;
}
