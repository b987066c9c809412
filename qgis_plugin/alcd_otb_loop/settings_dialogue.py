"""The settings of the plug-in: which program it starts, and with how many threads."""

from qgis.core import QgsSettings
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from .program import SETTING, THREADS, Program, command, misfit


class SettingsDialogue(QDialog):
    """Ask for the program, and show whether it starts and its version fits."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setWindowTitle("alcd_otb: settings")
        self.setMinimumWidth(560)
        settings = QgsSettings()
        self.program = QLineEdit(settings.value(SETTING, "") or "")
        self.program.setPlaceholderText(" ".join(command()))
        self.program.setToolTip("the command alcd-otb of the environment that it is installed in, or its python")
        self.threads = QSpinBox()
        self.threads.setRange(0, 1024)
        self.threads.setSpecialValueText("as the computer has")
        self.threads.setValue(int(settings.value(THREADS, 0)))
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        choose, self.trial = QPushButton("Choose…"), QPushButton("Try it")
        for each in (choose, self.trial):
            each.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        self.trial.clicked.connect(self._try)
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        for each in (self.program, choose, self.trial):
            row.addWidget(each)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form = QFormLayout(self)
        form.addRow("Program", line)
        form.addRow("", self.answer)
        form.addRow("Threads", self.threads)
        form.addRow(buttons)

    def accept(self):
        """Keep the settings."""
        self._keep()
        super().accept()

    def _keep(self):
        settings = QgsSettings()
        settings.setValue(SETTING, self.program.text().strip())
        settings.setValue(THREADS, self.threads.value())

    def _choose(self):
        chosen, _ = QFileDialog.getOpenFileName(self, "The program alcd-otb, or its python", self.program.text())
        if chosen:
            self.program.setText(chosen)

    def _try(self):
        self._keep()
        self.answer.setText("…")
        asked = Program(["--version"], self)
        asked.ended.connect(self._answered)
        asked.start()

    def _answered(self, _code, printed, error):
        wrong = error or misfit(printed)
        self.answer.setText(wrong or f"{printed.strip()}: fits")
        self.answer.setStyleSheet("color: #c00000" if wrong else "color: #108010")
