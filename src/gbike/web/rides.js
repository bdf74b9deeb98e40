// What was ridden, what it cost, and the money that is left.
import { readOpen } from './actions.js';
import { ask } from './api.js';
import { html, useEffect, useState } from './lib.js';
import { Big, Empty, Facts, Failed, Icon, Loading, Status, Top } from './parts.js';
import { useStore } from './store.js';
import { lasting, moment, place, t, time, won } from './text.js';

const PAGE = 20;
const TRIES = 20; // half a second apart: a bill closes within a second or two
const ridden = (line) => Date.parse(line.rentEndTime) - Date.parse(line.rentStarttime);

async function readDeposit(userid) {
  try {
    return (await ask('GET', `/userDeposits/${userid}`)).deposit;
  } catch (failed) {
    if (failed.status === 404) return 0; // it begins with the first bill
    throw failed;
  }
}

export function RidesPage() {
  const { who, open, told } = useStore();
  const [lines, show] = useState(null);
  const [deposit, know] = useState(null);
  const [size, more] = useState(PAGE);
  const [failed, fail] = useState(false);
  const read = async () => {
    try {
      const find = `/rentAndBillingViews/search/findByUserid?userid=${who.userid}&size=${size}`;
      const [found, money] = await Promise.all([ask('GET', find), readDeposit(who.userid)]);
      show({ rides: found._embedded.rentAndBillingViews, total: found.page.totalElements });
      know(money);
      fail(false);
    } catch {
      fail(true);
    }
  };
  useEffect(() => {
    read();
  }, [who.userid, size, open?.length, told]);
  return html`<section class="page">
    <${Top} title=${t('rides')} />
    <div class="card money">
      <p><span class="soft">${t('deposit')}</span><strong>${deposit === null ? '–' : won(deposit)}</strong></p>
      <a class="small-button" href="#/topup">${t('topUp')}</a>
      ${deposit !== null && deposit <= 0 && html`<p class="wrong"><${Icon} name="alert" />${t('owing')}</p>`}
    </div>
    ${!lines && !failed && html`<${Loading} rows=${4} />`}
    ${!lines && failed && html`<${Failed} again=${read} />`}
    ${lines && !lines.rides.length && html`<${Empty} icon="clock" title=${t('noRides')} hint=${t('noRidesHint')}><${Big} kind="quiet" label=${t('find')} href="#/" /><//>`}
    ${lines &&
    lines.rides.length > 0 &&
    html`<ul class="card lines">
      ${lines.rides.map((line) => html`<${Line} key=${line.rentid} line=${line} />`)}
    </ul>`}
    ${lines && lines.total > lines.rides.length && html`<${Big} kind="quiet" label=${t('more')} onClick=${() => more(size + PAGE)} />`}
  </section>`;
}

function Line({ line }) {
  const over = Boolean(line.rentEndTime);
  return html`<li>
    <a href=${over ? `#/rides/${line.rentid}` : '#/ride'}>
      <span class="grow">
        <span class="main">${line.rentStarttime ? moment(line.rentStarttime) : t('ride', line.rentid)}</span>
        <span class="soft">${line.bikeid ? t('number', line.bikeid) : ''}${over ? ` · ${lasting(ridden(line))}` : ''}</span>
      </span>
      ${over ? html`<span class="fee">${line.fee === null ? t('settling') : won(line.fee)}</span>` : html`<${Status} is="open" />`}
      <${Icon} name="next" />
    </a>
  </li>`;
}

export function BillPage({ rentid, just }) {
  const { who } = useStore();
  const [rent, know] = useState(null);
  const [line, bill] = useState(null);
  const [late, delay] = useState(false);
  const [failed, fail] = useState(false);
  const read = async (stopped) => {
    fail(false);
    try {
      know(await ask('GET', `/rents/${rentid}`));
      for (let tries = 0; tries < TRIES && !stopped(); tries += 1) {
        const found = await ask('GET', `/rentAndBillingViews/${rentid}`).catch((none) => (none.status === 404 ? null : Promise.reject(none)));
        if (found) bill(found);
        if (found?.billingStatus === 'CLOSEBILL') return;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      delay(true);
    } catch {
      fail(true);
    }
  };
  useEffect(() => {
    let gone = false;
    readOpen();
    read(() => gone);
    return () => {
      gone = true;
    };
  }, [rentid]);
  const closed = line?.billingStatus === 'CLOSEBILL';
  const ride = rent && { rentEndTime: rent.endtime, rentStarttime: rent.starttime };
  return html`<section class="page">
    <${Top} title=${just ? t('done') : t('bill')} back=${just ? null : '#/rides'} />
    ${just && html`<p class="soft">${t('doneSay')}</p>`}
    ${!rent && !failed && html`<${Loading} rows=${1} tall />`}
    ${!rent && failed && html`<${Failed} again=${() => read(() => false)} />`}
    ${rent &&
    html`<div class="card bill">
        <p class="total" aria-live="polite"><span class="soft">${t('fee')}</span><strong>${line?.fee === undefined || line?.fee === null ? '–' : won(line.fee)}</strong></p>
        ${rent.endtime && html`<${Status} is=${closed ? 'settled' : 'settling'} />`}
        ${late && !closed && html`<p class="soft">${t('later')}</p>`}
        <${Facts}
          rows=${[
            [t('bikeName'), t('number', rent.bikeid)],
            rent.endtime && [t('lasted'), lasting(ridden(ride))],
            [t('from'), moment(rent.starttime)],
            rent.endtime && [t('until'), `${time(rent.endtime)}${rent.endlocation ? ` · ${place(rent.endlocation)}` : ''}`],
            just && closed && line.deposit !== null && [t('left'), won(line.deposit)],
          ]}
        />
      </div>
      ${just && html`<div class="dock"><${Big} label=${t('finish')} href="#/" /></div>`}`}
  </section>`;
}
