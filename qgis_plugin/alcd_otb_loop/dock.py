"""The panel of the plug-in: classes, places, the images shown, the run and its messages, the iterations."""

from qgis.PyQt.QtCore import QSize, Qt, QUrl
from qgis.PyQt.QtGui import QColor, QDesktopServices, QIcon, QPixmap
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QDockWidget,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

_PLACES_A_LINE = 9
_MOST_ROWS = 6
"""Iterations that are visible at once."""


class Dock(QDockWidget):
    """The panel. It shows the state that it gets, and calls functions by the names of the actions.

    Parameters
    ----------
    parent
        The main window of QGIS.
    press
        Called with the name of an action, and for some actions with more words.
    """

    def __init__(self, parent, press):
        super().__init__("alcd_otb", parent)
        self.setObjectName("alcd_otb_loop")
        self._press = press
        self.classes = {}
        self._counts = {}
        self._records = []
        self._running = False
        panel = QWidget()
        self._box = QVBoxLayout(panel)
        self._box.setContentsMargins(6, 6, 6, 6)
        self.title = self._text()
        self._class_grid = QGridLayout()
        self._class_grid.setVerticalSpacing(2)
        self._class_grid.setColumnStretch(0, 1)
        self._box.addLayout(self._class_grid)
        self.place, self.marks = self._text(), self._text()
        self._row(("previous_place", "◀ B"), ("next_place", "N ▶"), ("label_place", "Label: Space"))
        self._line()
        self.shown = self._text()
        self._row(("next_look", "Look: L"), ("outlines", "Map: O"), ("whole", "All: 0"))
        self._row(("polygon", "Polygon: P"), ("freehand", "Freehand: F"), ("undo", "Undo: Ctrl+Z"))
        self._line()
        self.run, self.next = self._row(("run", "Run: R"), ("propose", "New places"))
        self.bar = QProgressBar()
        self.bar.setFormat("")
        self._box.addWidget(self.bar)
        self.state = self._text()
        self.iterations = self._table()
        (self.back,) = self._row(("return", ""))
        self.said = self._text()
        self._row(("open_scene", "Open…"), ("settings", "Settings…"), ("help", "Help: ?"))
        self._box.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(panel)
        self.setWidget(area)
        self.setMinimumWidth(310)

    # What is shown.

    def show_classes(self, classes):
        """Show the classes of a scene as buttons with their keys, colours and numbers of points."""
        while self._class_grid.count():
            self._class_grid.takeAt(0).widget().deleteLater()
        self.classes, self._counts = {}, {}
        for row, each in enumerate(classes):
            button = self._button(f"{each.code}   {each.title}", "choose", each.code)
            swatch = QPixmap(16, 16)
            swatch.fill(QColor(each.colour))
            button.setIcon(QIcon(swatch))
            button.setIconSize(QSize(16, 16))
            button.setCheckable(True)
            button.setStyleSheet(
                "QPushButton {text-align: left; padding: 1px 6px}"
                "QPushButton:checked {background: #ffe680; color: black; font-weight: bold; border: 2px solid #806000}"
            )
            count = QLabel("0")
            count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._class_grid.addWidget(button, row, 0)
            self._class_grid.addWidget(count, row, 1)
            self.classes[each.code], self._counts[each.code] = button, count

    def show_class(self, code):
        """Mark the class that is set."""
        for each, button in self.classes.items():
            button.setChecked(each == code)

    def show_counts(self, counts):
        """Show how many points each class has."""
        for code, label in self._counts.items():
            count = counts.get(code, 0)
            label.setText(str(count))
            label.setStyleSheet("" if count else "color: #c00000; font-weight: bold")

    def show_places(self, places):
        """Show the current place, its question and reason, and which places are done."""
        count, done = len(places.all), len(places.done)
        place = places.current
        if not count:
            text = "No place is proposed."
        elif place is not None:
            text = f"<b>Place {places.index + 1} of {count}</b>, {done} done. <b>{place.question}</b> {place.reason}"
        elif done == count:
            text = f"<b>All {count} places are done.</b> R makes a map with them."
        else:
            text = f"<b>{count} places to visit</b>, {done} done: press N."
        self.place.setText(text)
        marks = []
        for number in range(count):
            mark = f"✓{number + 1}" if number in places.done else str(number + 1)
            colour = "#108010" if number in places.done else "#c00000"
            mark = f'<span style="color: {colour}">{mark}</span>'
            marks.append(f"<b>[{mark}]</b>" if number == places.index else mark)
        lines = (marks[first : first + _PLACES_A_LINE] for first in range(0, count, _PLACES_A_LINE))
        self.marks.setText("<br>".join("&nbsp; ".join(line) for line in lines))
        self.marks.setVisible(bool(count))

    def show_shown(self, looks, drawing):
        """Show the names of the look and of the map's mode, and whether a correction is being drawn."""
        contrast = f", contrast {looks.contrast:+}" if looks.contrast else ""
        text = f"{looks.name}{contrast}; map: {looks.mode}"
        if drawing:
            ends = "let the button go to end" if drawing == "freehand" else "a double click or Enter ends"
            text = f"<b>Correction, {drawing}:</b> {ends} it, Esc discards it"
        self.shown.setText(text)

    def show_running(self, title, stage="", share=0.0):
        """Show the progress of a call of the program; without a title, show that none is running."""
        self.run.setText("Stop: R" if title else "Run: R")
        self.next.setEnabled(not title)
        self._running = bool(title)
        self._show_return()
        self.bar.setValue(int(100 * share))
        self.bar.setFormat(f"{title}: {stage} %p%" if stage else title)

    def say(self, text, wrong=False):
        """Show one message."""
        self.state.setText(text)
        self.state.setStyleSheet("color: #c00000; font-weight: bold" if wrong else "")

    def show_said(self, lines):
        """Show the messages of the last run."""
        self.said.setText("<br>".join(lines))

    def show_iterations(self, records):
        """Show the iterations, the newest first."""
        self._records = records
        # The row that was selected is now of another iteration.
        self.iterations.clearSelection()
        self.iterations.setRowCount(len(records))
        self.iterations.setVisible(bool(records))
        for row, record in enumerate(records):
            figures = (str(record.number), str(record.points), _percent(record.agreement), _percent(record.changed))
            for column, text in enumerate(figures):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.iterations.setItem(row, column, item)
        rows = min(len(records), _MOST_ROWS)
        heights = (self.iterations.rowHeight(row) for row in range(rows))
        self.iterations.setFixedHeight(self.iterations.horizontalHeader().height() + 4 + sum(heights))
        self._show_return()

    @property
    def selected(self):
        """The number of the iteration that is selected in the table, or None."""
        rows = {index.row() for index in self.iterations.selectedIndexes()}
        return self._records[min(rows)].number if rows else None

    # The widgets.

    def _text(self):
        label = QLabel()
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.RichText)
        self._box.addWidget(label)
        return label

    def _line(self):
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        self._box.addWidget(line)

    def _button(self, text, action, *words):
        button = QPushButton(text)
        button.setObjectName(action)
        # The keys stay with the map.
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.clicked.connect(lambda _checked=False: self._press(action, *words))
        return button

    def _row(self, *buttons):
        row, made = QHBoxLayout(), []
        for action, text in buttons:
            button = self._button(text, action)
            button.setStyleSheet("padding: 3px 2px")
            # All buttons of a row have one width, also in a narrow panel.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            row.addWidget(button)
            made.append(button)
        self._box.addLayout(row)
        return made

    def _table(self):
        table = QTableWidget(0, 4)
        table.setHorizontalHeaderLabels(["map", "points", "agrees", "changed"])
        table.setToolTip("click: select the iteration to return to; double click: the report of the iteration")
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(20)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        table.itemSelectionChanged.connect(self._show_return)
        table.cellDoubleClicked.connect(self._open_report)
        self._box.addWidget(table)
        return table

    def _show_return(self):
        """Name the iteration on the button that returns to it."""
        number = self.selected
        self.back.setVisible(bool(self._records))
        self.back.setEnabled(number is not None and not self._running)
        self.back.setText("Return to points of map …" if number is None else f"Return to points of map {number}")
        self.back.setToolTip(
            "Makes a new map of the points of the selected one, which take the place of the present points. "
            "A copy of the present points is kept beside their file."
        )

    def _open_report(self, row, _column):
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._records[row].report)))


def _percent(share):
    return "-" if share is None else f"{100 * share:.1f} %"
