// The calendar opens at its newest periods.
const calendar = document.querySelector(".calendar-wrap");
if (calendar) calendar.scrollLeft = calendar.scrollWidth;
